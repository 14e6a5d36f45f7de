"""Where the passphrase of the signing key lives: the keyring of the operating system."""

from __future__ import annotations

from typing import Protocol

_SERVICE = "Latent Atelier signing key"
# Named one by one: a keyring that is not known to encrypt is no better than a file.
_ENCRYPTING = (
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)


class Vault(Protocol):
    """A place that keeps secrets by name, encrypted."""

    def load(self, name: str) -> str | None:
        """The secret, or None where there is none or the vault stays locked."""

    def save(self, name: str, secret: str) -> bool:
        """Keep the secret; whether it can be read back."""

    def forget(self, name: str) -> None:
        """Drop the secret where there is one."""


class _Backend(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class _Keyring:
    """A backend of the `keyring` package as a Vault."""

    def __init__(self, backend: _Backend) -> None:
        self._backend = backend

    def load(self, name: str) -> str | None:
        from keyring.errors import KeyringError

        try:
            return self._backend.get_password(_SERVICE, name)
        except (KeyringError, OSError, RuntimeError):
            return None

    def save(self, name: str, secret: str) -> bool:
        from keyring.errors import KeyringError

        try:
            self._backend.set_password(_SERVICE, name, secret)
        except (KeyringError, OSError, RuntimeError):
            return False
        return self.load(name) == secret

    def forget(self, name: str) -> None:
        from keyring.errors import KeyringError

        try:
            self._backend.delete_password(_SERVICE, name)
        except (KeyringError, OSError, RuntimeError):
            return


def system_vault() -> Vault | None:
    """The keyring of this machine; None where there is none that encrypts.

    Null, failing and plain-text backends are refused, and so is whatever is not known here.
    """
    import keyring

    chosen = keyring.get_keyring()
    for backend in getattr(chosen, "backends", [chosen]):
        if type(backend).__module__ in _ENCRYPTING:
            return _Keyring(backend)
    return None
