"""The peers of all examples together."""

from __future__ import annotations

import peers
import peers_chains
import peers_generative
import peers_images
import peers_recurrent
import peers_tensors
from peers import Peer

PEERS: dict[str, Peer] = {
    **peers.PEERS,
    **peers_images.PEERS,
    **peers_generative.PEERS,
    **peers_tensors.PEERS,
    **peers_recurrent.PEERS,
    **peers_chains.PEERS,
}
