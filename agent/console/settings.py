"""Settings of the console: one small frozen object, built at the command line."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, SecretStr

from agent.errors import ConsoleError
from schema_extraction.view import Frozen


class ConsoleSettings(Frozen):
    """Times are in seconds. `undo_seconds`: how long an accepted critical action waits before it leaves, so that it can be
    taken back. `idle_seconds`, `login_seconds`: a login ends after so long without a request, and after so long anyway.
    `seeded_rate`: the share of hand-offs that first show a wrong suggestion, which is never carried out. `rushed_seconds`: an
    accept that was quicker counts as rushed. `webhook`: an address that is told of new hand-offs, `webhook_key` signs what it
    gets (HMAC-SHA256)."""

    host: str = "127.0.0.1"
    port: int = Field(default=8020, ge=0, le=65535)
    accounts: Path = Path("runs/console.sqlite")
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    undo_seconds: float = Field(default=4.0, ge=0.0, le=60.0)
    idle_seconds: float = Field(default=1800.0, gt=0.0)
    login_seconds: float = Field(default=36_000.0, gt=0.0)
    snooze_seconds: float = Field(default=600.0, gt=0.0)
    seeded_rate: float = Field(default=0.0, ge=0.0, le=0.5)
    seed: int = 0
    rushed_seconds: float = 1.5
    webhook: str = ""
    webhook_key: SecretStr = SecretStr("")

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None

    @property
    def address(self) -> str:
        """Where a person opens the console."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def check_binding(settings: ConsoleSettings) -> None:
    """Refuse to serve others than this machine in clear text.

    Raises:
        ConsoleError: the address is not a loopback one, and there is neither a certificate nor `insecure`; or a certificate
            has no key, or is not there.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConsoleError("Expected a certificate and its key, met only one. Give --tls-cert and --tls-key.")
    for path in (settings.tls_cert, settings.tls_key):
        if path is not None and not path.is_file():
            raise ConsoleError(f"There is no file {str(path)!r}. Give the certificate and key as PEM files.")
    if not (_loopback(settings.host) or settings.tls or settings.insecure):
        raise ConsoleError(
            f"The console would answer others at {settings.host!r} in clear text. Give --tls-cert and --tls-key; or "
            "--insecure, if a proxy in front of it does the encryption."
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
