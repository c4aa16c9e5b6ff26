"""Outlines of the communes, as the network folder wants them: public facts, for maps."""

from __future__ import annotations

import json
from pathlib import Path

from lab.reference.communes import communes

SOURCE = "IGN Admin Express 2018 (Licence Ouverte), simplified"


def text() -> str:
    """`inventory/areas.geojson`: one feature a line, in order of the INSEE code."""
    contours = json.loads((Path(__file__).parent / "communes_contours.geojson").read_text(encoding="utf-8"))
    outlines = {one["properties"]["code"]: one["geometry"] for one in contours["features"]}
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {"area": one.name, "source": SOURCE},
                "geometry": outlines[one.insee],
            },
            ensure_ascii=False,
        )
        for one in sorted(communes().values(), key=lambda one: one.insee)
    ]
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"
