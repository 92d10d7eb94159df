#include "posix/help_text.h"

namespace stetho::posix {

const char* const kHelpText = R"(usage: stethoscope-posix --device ID [options]

The firmware of the stethoscope as a Linux program: the same code as on the ESP32-S3, with a WAV file or a synthetic
heart for a microphone, a model of the display's chip for a display, and the keyboard for a button.

the broker
  --host HOST           (127.0.0.1); auto: it is looked for by mDNS
  --port PORT           (1883, with --cafile 8883)
  --cafile FILE         certificate of the CA: use TLS
  --device ID           device id, which is the user name: 1 to 32 of a-z, 0-9 and -
  --password TEXT       default: $STETHO_DEVICE_PASSWORD
  --password-file FILE  its first line is the password

what is recorded
  --audio FILE          a WAV file, 16-bit, mono or stereo; default: a synthetic heart
  --bpm N               of the synthetic heart (72)
  --rate HZ             44100, 16000 or 4000; default: that of the file, else 44100
  --seconds S           how long a press records; default: as long as the file, else 4
  --stream              a press begins a stream, a second one ends it
  --gate PERMILLE       sound above this part of full scale records by itself, quiet ends it
  --models A,B          models to ask for
  --site MV             where on the chest: AV, PV, TV or MV
  --chunk SAMPLES       per message (8192)

what happens
  --once                press once when ready, print the result, end; exit 1 when none comes within --timeout
  --press S[,S...]      press the button so many seconds after the start
  --timeout S           of --once (60)
  --settings DIR        keep settings there, as in the device's flash; without any it waits to be provisioned
  --portal PORT         serve the form of the access point on http://127.0.0.1:PORT/ while it waits to be provisioned
  --flash FILE          keep recordings there, as in the device's flash, over a restart and a kill -9
  --slots DIR           take updates over HTTPS, with curl, into two slots there, as in the device's flash
  --oled-png DIR        write every picture of the display there: 0001-connecting.png, ...
  --quiet               do not print the display

a bad world, for tests
  --pace X              the device takes a fraction of its time: recording, time limits; others do not (1)
  --memory SAMPLES      for recordings (4000000); a board without PSRAM has 16384
  --ring SAMPLES        between microphone and application (65536)
  --clock-after S       the time of day is unknown before
  --ask ADDRESS:PORT    whom --host auto asks, instead of 224.0.0.251:5353
  --seed N              of ids and jitter; default: true randomness

On standard input, one a line: press, hold (a long press), unplug, plug (the network), display out, display in,
microphone out, microphone in, battery MV, battery MV charging, battery none, stall S (the application hangs),
skip S (so much time has passed), crash (it starts again as after a panic), deep BYTES (the application takes so much
of its stack), set KEY=VALUE&... (the provisioning form), test [ITEM] [--json] (the factory test), quit. On a terminal, Enter alone is a press.

examples:
  stethoscope-posix --device st-01 --password-file st-01.password --once
  stethoscope-posix --device st-01 --audio heart.wav --rate 4000 --once --oled-png screens
  stethoscope-posix --device st-01 --host stetho.local --cafile ca.pem --stream

The result's JSON is on stdout, the display on stderr. Exit status: 0; 1 when there was no result in time or the
analysis failed; 2 when a file, the broker or an argument cannot be used.
Research and education, not a medical device: labels describe a sound, not a diagnosis.
)";

}  // namespace stetho::posix
