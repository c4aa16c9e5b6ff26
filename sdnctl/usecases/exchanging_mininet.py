"""`sdnctl export mininet`: this network, compiled, as the file that a Mininet topology is built from."""

from __future__ import annotations

from pathlib import Path

from sdnctl.exchange import mininet
from sdnctl.lab.wiring import wire
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported, write_if_new
from sdnctl.usecases.planning import compile_folder


def write(context: Context, out: Path) -> Exported:
    """Write the document to `out`.

    The network is compiled on what was applied, because tags of endpoints behind devices are the compiler's.
    Raises InputError and CompileError with every fault.
    """
    compiled = compile_folder(context).compiled
    topology = compiled.topology
    content, findings = mininet.document(
        compiled.settings.name,
        wire(topology, context.loaded.network.endpoints),
        compiled.demands,
        {link.id: int(link.capacity) for link in topology.links.values()},
    )
    changed = write_if_new(out, mininet.dumps(content))
    counts = {what: len(content[what]) for what in ("switches", "links", "hosts", "traffic")}
    return Exported(out, (out,), counts, findings, (out,) if changed else ())
