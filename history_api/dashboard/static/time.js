// Times in the time zone of the browser, with UTC as their title; for a day also how long ago they were.
const EVERY_MS = 10_000;
const DAY_S = 86_400;
const UNITS = [["hour", 3600], ["minute", 60], ["second", 1]];
const locale = navigator.languages.find((each) => /^(de|en)\b/.test(each)) ?? "en-GB";
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(locale, { style: "short" });

function words(then, now) {
  const age_s = Math.floor((now - then) / 1000);
  if (age_s < 0 || age_s >= DAY_S) return `${day.format(then)}, ${clock.format(then)}`;
  const [unit, length_s] = UNITS.find(([, seconds]) => age_s >= seconds) ?? UNITS.at(-1);
  const date = day.format(then) === day.format(now) ? "" : `${day.format(then)}, `;
  return `${date}${clock.format(then)} · ${ago.format(-Math.floor(age_s / length_s), unit)}`;
}

function tell() {
  const now = new Date();
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = words(new Date(time.dateTime), now);
    if (time.textContent === text) continue; // a screen reader may read every change
    time.textContent = text;
    time.lang = locale;
  }
}

new MutationObserver((changes) => {
  if (changes.some(({ addedNodes }) => [...addedNodes].some((each) => each.querySelector?.("time") || each.matches?.("time")))) tell();
}).observe(document.body, { childList: true, subtree: true });
tell();
setInterval(tell, EVERY_MS);
