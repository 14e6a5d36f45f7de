"""The settings under which the C2PA library signs and reads: no network, known purposes only."""

from __future__ import annotations

import c2pa

PURPOSES = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.36\n1.3.6.1.5.5.7.3.4\n"
"""Extended key usages that a signer may have: claim signing, document signing, e-mail."""


def context(anchors_pem: str = "") -> c2pa.Context:
    """A context that trusts the given roots and nothing else. To be closed by the caller."""
    trust = {"trust_config": PURPOSES}
    if anchors_pem:
        trust["user_anchors"] = anchors_pem
    return c2pa.Context.from_dict(
        {
            "version": 1,
            "trust": trust,
            "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
            "core": {"allowed_network_hosts": []},
            "builder": {"thumbnail": {"enabled": False}},
        }
    )
