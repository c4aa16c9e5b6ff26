"""Tables and columns of the published versions, and the codes that columns hold.

Names are those of Géostandard ANT / GraceTHD-MCD 2.0.1, 3.0 and 3.1. Of version 3 this knows the tables whose
names changed (`t_site`, `t_local`); 3.1 has `t_cab_chem` in place of conduits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LAMBERT93, WGS84 = 2154, 4326
PROJECTED = frozenset({LAMBERT93, WGS84})
"""Reference systems that shapes are read in."""


class Version(StrEnum):
    V2 = "2.0"
    V30 = "3.0"
    V31 = "3.1"

    @property
    def third(self) -> bool:
        """Whether it names sites and rooms as version 3 does."""
        return self is not Version.V2


@dataclass(frozen=True, slots=True)
class Spec:
    """A table: its key, its columns in order, and the kind of its shapes."""

    name: str
    key: str
    columns: tuple[str, ...]
    shape: str | None = None


NUMBERS: Mapping[str, tuple[str, int, int]] = {
    **dict.fromkeys(
        ("cb_capafo", "cb_fo_disp", "cb_fo_util", "cb_modulo", "fo_nincab", "fo_numtub", "fo_nintub",
         "ps_numero", "cs_num", "lv_id", "rt_id", "rt_fo_ordr", "mq_id", "mq_col", "mq_ligne"),
        ("INTEGER", 10, 0),
    ),
    **dict.fromkeys(
        ("cm_long", "cm_lgreel", "cl_long", "cb_lgreel", "cb_diam", "cd_dia_int", "cd_dia_ext", "cd_long",
         "lv_long"),
        ("REAL", 12, 2),
    ),
}  # fmt: skip
"""Columns that hold numbers: the type in a GeoPackage; width and digits after the point in a dBASE table."""


def _traced(prefix: str, *columns: str) -> tuple[str, ...]:
    """Columns of a table, and those that every table ends with."""
    tail = ("creadat", "majdate", "majsrc", "abddate", "abdsrc")
    return (*(f"{prefix}_{name}" for name in columns), *(f"{prefix}_{name}" for name in tail))


_WHO = ("prop", "gest", "user", "proptyp", "statut", "etat")
_AREAS = ("r1_code", "r2_code", "r3_code", "r4_code")
_SURVEY = ("dtclass", "geolqlt", "geolmod", "geolsrc")


def _spec(name: str, key: str, columns: tuple[str, ...], shape: str | None = None) -> Spec:
    return Spec(name, key, columns, shape)


_ORGANISMS = _spec("t_organisme", "or_code", _traced("or", "code", "siren", "nom", "type", "siret", "comment"))
_REFERENCES = _spec("t_reference", "rf_code", _traced("rf", "code", "type", "fabric", "design", "etat", "comment"))
_NODE2 = _traced("nd", "code", "codeext", "nom", "coderat", *_AREAS, "voie", "type", "comment", *_SURVEY)
_NODE3 = _traced("nd", "code", "comment")
_SITE2 = _traced("st", "code", "nd_code", "codeext", "nom", *_WHO, "dateins", "datemes", "typephy", "typelog",
                 "nblines", "ad_code", "comment")  # fmt: skip
_SITE3 = _traced("st", "code", "codeext", "nd_code", "nom", "commune", *_WHO, "dateins", "datemes", "typephy",
                 "typelog", "nblines", "ad_code", "comment", "abandon")  # fmt: skip
_POINTS = _spec(
    "t_ptech",
    "pt_code",
    _traced("pt", "code", "codeext", "etiquet", "nd_code", "ad_code", *_WHO, "dateins", "datemes", "typephy",
            "typelog", "rf_code", "nature", "secu", "occp", "a_dan", "a_struc", "a_haut", "comment"),
)  # fmt: skip
_ROOM = ("code", "codeext", "etiquet", "st_code", *_WHO, "dateins", "datemes", "local", "elec", "clim", "occp",
         "idmajic", "comment")  # fmt: skip
_WAY2 = _traced("cm", "code", "codeext", "ndcode1", "ndcode2", "cm1", "cm2", *_AREAS, "voie", "gest_do", "prop_do",
                "statut", "etat", "datcons", "datemes", "avct", "typelog", "typ_imp", "nature", "compo", "cddispo",
                "fo_util", "mod_pos", "passage", "revet", "remblai", "charge", "larg", "fildtec", "mut_org",
                "long", "lgreel", "comment", *_SURVEY)  # fmt: skip
_WAY3 = _traced("cm", "code", "codeext", "ndcode1", "ndcode2", "prop", "gest", "statut", "avct", "typelog",
                "typ_imp", "compo", "perirec", "comment")  # fmt: skip
_CONDUITS = (
    _spec(
        "t_conduite",
        "cd_code",
        _traced("cd", "code", "codeext", "etiquet", "cd_code", *_AREAS, *_WHO, "dateaig", "dateman", "datemes",
                "type", "dia_int", "dia_ext", "color", "long", "nbcable", "occup", "comment"),
    ),
    _spec("t_cond_chem", "dm_cd_code dm_cm_code", _traced("dm", "cd_code", "cm_code")),
    _spec("t_cab_cond", "cc_cb_code cc_cd_code", _traced("cc", "cb_code", "cd_code")),
    _spec(
        "t_masque",
        "mq_nd_code mq_cd_code",
        _traced("mq", "id", "nd_code", "face", "col", "ligne", "cd_code", "qualinf", "comment"),
    ),
)  # fmt: skip
_CABLE = _traced("cb", "code", "codeext", "etiquet", "nd1", "nd2", *_AREAS, *_WHO, "dateins", "datemes", "avct",
                 "tech", "typephy", "typelog", "rf_code", "capafo", "fo_disp", "fo_util", "modulo", "diam",
                 "color", "lgreel", "localis", "comment")  # fmt: skip
_LINES = _spec(
    "t_cableline", "cl_code", _traced("cl", "code", "cb_code", "long", "comment", *_SURVEY), "LINESTRING"
)
_LOOPS = _spec("t_love", "lv_id", _traced("lv", "id", "cb_code", "nd_code", "long"))
_BOX = ("prop", "gest", "user", "proptyp", "statut", "etat", "occp", "datemes", "avct", "typephy", "typelog",
        "rf_code", "entrees", "ref_kit", "ca_nb", "nb_pas", "linecod", "oc_code", "racco", "comment")  # fmt: skip
_RACK = (*_WHO, "rf_code", "type", "nb_u", "haut", "larg", "prof", "comment")
_CASSETTES = _spec(
    "t_cassette",
    "cs_code",
    _traced("cs", "code", "nb_pas", "bp_code", "num", "type", "face", "rf_code", "comment"),
)
_DRAWERS = _spec(
    "t_tiroir",
    "ti_code",
    _traced("ti", "code", "codeext", "etiquet", "ba_code", "prop", "etat", "type", "rf_code", "taille", "placemt",
            "localis", "comment"),
)  # fmt: skip
_STRANDS2 = _traced("fo", "code", "code_ext", "cb_code", "nincab", "numtub", "nintub", "type", "etat", "color",
                    "reper", "proptyp", "comment")  # fmt: skip
_STRANDS3 = tuple(name for name in _STRANDS2 if name != "fo_type")
_POSITIONS = _spec(
    "t_position",
    "ps_code",
    _traced("ps", "code", "numero", "1", "2", "cs_code", "ti_code", "type", "fonct", "etat", "preaff", "comment"),
)


def _rooms(name: str, prefix: str) -> Spec:
    return _spec(name, f"{prefix}_code", _traced(prefix, *_ROOM))


def _boxes(room: str) -> Spec:
    homes = ("pt_code", f"{room}_code", "sf_code") if room == "lt" else ("pt_code", f"{room}_code")
    return _spec("t_ebp", "bp_code", _traced("bp", "code", "etiquet", "codeext", *homes, *_BOX))


def _racks(room: str) -> Spec:
    return _spec("t_baie", "ba_code", _traced("ba", "code", "codeext", "etiquet", f"{room}_code", *_RACK))


def _node(columns: tuple[str, ...]) -> Spec:
    return _spec("t_noeud", "nd_code", columns, "POINT")


def _ways(columns: tuple[str, ...]) -> Spec:
    return _spec("t_cheminement", "cm_code", columns, "LINESTRING")


def _tables(version: Version) -> tuple[Spec, ...]:
    third, last = version.third, version is Version.V31
    room = "lc" if third else "lt"
    ducts = (
        (_spec("t_cab_chem", "cc_cb_code cc_cm_code", _traced("cc", "cb_code", "cm_code")),) if last else _CONDUITS
    )
    cables = (*_CABLE[:-5], "cb_fo_type", *_CABLE[-5:]) if last else _CABLE
    return (
        _ORGANISMS,
        _REFERENCES,
        _node(_NODE3 if last else _NODE2),
        _spec("t_site", "st_code", _SITE3) if third else _spec("t_sitetech", "st_code", _SITE2),
        _POINTS,
        _rooms("t_local", "lc") if third else _rooms("t_ltech", "lt"),
        _ways(_WAY3 if last else _WAY2),
        *ducts,
        _spec("t_cable", "cb_code", cables),
        _LINES,
        _LOOPS,
        _boxes(room),
        _racks(room),
        _CASSETTES,
        _DRAWERS,
        _spec("t_fibre", "fo_code", _STRANDS3 if last else _STRANDS2),
        _POSITIONS,
    )


TABLES: Mapping[Version, Mapping[str, Spec]] = {
    version: {spec.name: spec for spec in _tables(version)} for version in Version
}
"""What an export writes, in this order, by version."""

KNOWN = frozenset(name for tables in TABLES.values() for name in tables) | {"t_suf"}
"""Tables that an import understands; of all others it keeps what is in them."""

REMAINDER = Spec("x_sdnctl", "", ("xs_kind", "xs_id", "xs_field", "xs_value"))
"""The table of our own, with what the standard's have no column for."""

# ── codes ────────────────────────────────────────────────────────────────────────────────────────

STATUS = {
    **dict.fromkeys(("PRE", "DIA", "AVP", "PRO", "ACT", "EXE"), "planned"),
    "TVX": "under-works",
    **dict.fromkeys(("REC", "MCO"), "in-service"),
}
"""Phase of a project → place in an object's life."""
STATUS_CODE = {
    "planned": "PRO",
    "under-works": "TVX",
    "in-service": "REC",
    "out-of-order": "REC",
    "abandoned": "REC",
}

WAYS = {"0": "overhead", "1": "overhead", "2": "facade", "3": "indoor", "6": "gallery", "8": "sewer"}
"""How a way is laid → kind of segment; what is not listed is a trench."""
WAY_CODE = {
    **dict.fromkeys(("trench", "micro-trench", "drilled"), "7"),
    **dict.fromkeys(("bridge", "underwater"), "9"),
    "overhead": "0",
    "facade": "2",
    "indoor": "3",
    "gallery": "6",
    "sewer": "8",
}

SITES = {
    "HEBERG": "datacentre",
    "BRASSAGE": "office",
    "CLIENT": "customer",
    **dict.fromkeys(("SRO", "SRP", "SRS", "SRT"), "cabinet"),
}
"""What a site is for → kind of site; what is not listed (NRO, NRA…) is a point of presence."""
SITE_CODE = {"datacentre": "HEBERG", "office": "BRASSAGE", "customer": "CLIENT", "cabinet": "SRO", "pop": "NRO"}

POINTS = {"A": "pole"}
POINT_CODE = {"chamber": "C", "handhole": "C", "pole": "A", "wall-box": "Z"}

FIBRES = {"G657A2": "G.657.A2", "G657A": "G.657.A1", "G657A1": "G.657.A1"}
"""Type of fibre → ours; what is not listed is taken for G.652.D."""
FIBRE_CODE = {"G.652.D": "G652D", "G.657.A1": "G657A", "G.657.A2": "G657A2"}

VIRTUAL = "AER"
"""Type of conduits that only say which ways a cable without duct takes."""
