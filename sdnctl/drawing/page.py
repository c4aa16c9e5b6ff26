"""The interactive map: one HTML file with everything in it, which asks nothing of any network."""

from __future__ import annotations

import re
from html import escape

from sdnctl.drawing import assets, palette
from sdnctl.drawing.encode import encode
from sdnctl.drawing.scene import Scene


def page(scene: Scene) -> str:
    """The map as HTML; the same scene gives the same text."""
    colours = "".join(
        f"--{name.lower().replace('_', '-')}:{value};"
        for name, value in vars(palette).items()
        if name.isupper() and isinstance(value, str)
    )
    scripts = "\n".join(assets.text("page", f"{name}.js") for name in assets.SCRIPTS)
    parts = {
        "title": escape(f"{scene.name}: network map"),
        "font": assets.font_css(),
        "leaflet_css": _without_images(assets.text("vendor", "leaflet", "leaflet.css")),
        "css": f":root{{{colours}}}\n{assets.text('page', 'map.css')}",
        "leaflet_licence": assets.text("vendor", "leaflet", "LICENSE").replace("--", "- -"),
        "leaflet_js": _without_source_map(assets.text("vendor", "leaflet", "leaflet.js")),
        "data": script_safe(encode(scene)),
        "js": f"(() => {{\n'use strict';\n{scripts}\n}})();",
    }
    shell = assets.text("page", "shell.html")
    # One pass: what is put in is never searched for places to put things in.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], shell)


def script_safe(json: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _without_images(css: str) -> str:
    """Leaflet's style without its pictures, which the page does not use and which would be asked for."""
    return re.sub(r"url\((?!#)[^)]*\)", "none", css)


def _without_source_map(script: str) -> str:
    return re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.MULTILINE)
