"""Only a peer that knows the shared key is sent anything, whatever it says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from agent.shipping.forward import ForwardSettings, opened
from agent.shipping.forward_handshake import digest
from agent.shipping.sink import Again
from tests.peers.forward import ForwardPeer, forwarding
from tests.unit.agent.shipping.sinks import CONTEXT, batch


def test_the_digest_is_sha_512_of_all_parts_in_order() -> None:
    assert digest(b"salt", b"name", b"") == hashlib.sha512(b"saltname").hexdigest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"proof_key": "other"}, "does not know the shared key"),
        ({"hostname": "node-1"}, "this host's own name"),
        ({"shared_key": "other"}, "refused us: 'shared_key mismatch'"),
    ],
)
async def test_a_peer_that_does_not_prove_the_key_gets_nothing(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    (tmp_path / "key").write_text("sesame")
    async with forwarding(ForwardPeer("sesame")) as peer:
        for name, value in change.items():
            setattr(peer, name, value)
        address = f"127.0.0.1:{peer.port}"
        sink = await opened(
            ForwardSettings(address=address, timeout=5.0, shared_key_file=f"{tmp_path}/key"), CONTEXT
        )
        verdict = await sink.send([batch(["secret"])])
        await sink.close()
    assert isinstance(verdict, Again)
    assert words in verdict.why
    assert not peer.events


async def test_a_peer_without_a_handshake_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame")
    async with forwarding(ForwardPeer()) as peer:
        sink = await opened(
            ForwardSettings(address=f"127.0.0.1:{peer.port}", timeout=0.2, shared_key_file=f"{tmp_path}/key"),
            CONTEXT,
        )
        verdict = await sink.send([batch(["secret"])])
        await sink.close()
    assert isinstance(verdict, Again)
    assert "no answer within 0.2 s" in verdict.why
    assert not peer.events
