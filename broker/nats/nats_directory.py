"""What NATS needs of a state directory: a folder with configuration, keys and stores of its nodes."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import password
from broker.directory import StateDirectory, write_private
from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho


class NatsDirectory:
    """Folder `nats` of a state directory; made, with its keys, by `create`."""

    def __init__(self, state: StateDirectory) -> None:
        self.state = state
        self.path = state.path / "nats"
        self._key_file = self.path / "access.key"
        self._password_file = self.path / "access.password"

    def create(self) -> None:
        """Make the folder and the secrets that nodes and `stetho nats access` share; existing ones stay."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        if not self._key_file.exists():
            encoded = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            write_private(self._key_file, encoded.decode())
        if not self._password_file.exists():
            write_private(self._password_file, f"{password.generate()}\n")

    @property
    def key(self) -> Ed25519PrivateKey:
        """Key that signs who is let in."""
        key = serialization.load_pem_private_key(self._read(self._key_file).encode(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise BrokerError(f"{self._key_file} holds no Ed25519 key; put back the one that was made here")
        return key

    @property
    def password(self) -> str:
        """Password of `stetho nats access` at the nodes."""
        return self._read(self._password_file).strip()

    def configuration(self, node: str) -> Path:
        """Return the path of the configuration of a node."""
        return self.path / f"{node}.conf"

    def _read(self, path: Path) -> str:
        try:
            return path.read_text()
        except FileNotFoundError:
            raise BrokerError(
                f"{path} is missing; `{stetho('provision nats HOST HOST HOST')}` makes the files of NATS"
            ) from None
