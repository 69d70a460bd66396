"""TLS contexts made of settings. A certificate that was renewed is taken up by making them again: sessions that stand keep
what they have."""

from __future__ import annotations

import ssl

from smsgate.settings import ListenerSettings, ListenerTls, Settings, UpstreamSettings, UpstreamTls


class Contexts:
    """The contexts of one process. `load` raises OSError (ssl.SSLError among them) and leaves those in force as they are."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listeners: tuple[ssl.SSLContext | None, ...] = ()
        self._upstreams: dict[str, ssl.SSLContext] = {}

    def load(self) -> None:
        """Read all certificates and keys."""
        listeners = tuple(_for_listener(listener) for listener in self._settings.listeners)
        upstreams = {item.name: _towards(item, item.tls) for item in self._settings.upstreams if item.tls is not None}
        self._listeners, self._upstreams = listeners, upstreams

    def listener(self, index: int) -> ssl.SSLContext | None:
        """For the listener at this place in the settings; None: plain TCP."""
        return self._listeners[index]

    def upstream(self, name: str) -> ssl.SSLContext | None:
        """For the SMSC of this name; None: plain TCP."""
        return self._upstreams.get(name)


def _for_listener(listener: ListenerSettings) -> ssl.SSLContext | None:
    tls = listener.tls
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls, f"listener {listener.bind}")
    return context


def _towards(upstream: UpstreamSettings, tls: UpstreamTls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except OSError as error:
        raise OSError(f"upstream {upstream.name}: {tls.ca}: {error.strerror or error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        _load(context, tls, f"upstream {upstream.name}")
    return context


def _load(context: ssl.SSLContext, tls: ListenerTls | UpstreamTls, whose: str) -> None:
    """The certificate and key, and for listeners the authority of its clients; ssl's own errors name no file."""
    assert tls.certificate is not None
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise OSError(f"{whose}: {tls.certificate} and its key: {error.strerror or error}") from None
    if isinstance(tls, ListenerTls) and tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except OSError as error:
            raise OSError(f"{whose}: {tls.client_ca}: {error.strerror or error}") from None
        context.verify_mode = ssl.CERT_REQUIRED
