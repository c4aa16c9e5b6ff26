"""The small example as tables: places, the way of each cable, splices, switches and links."""

from __future__ import annotations

SURVEY = "synthetic, drawn for the small example"
OWNER = "town-of-vallerive"


def table(text: str) -> list[list[str]]:
    """Rows of fields separated by colons; a missing last field is empty."""
    return [[field.strip() for field in (line + "::").split(":")[:5]] for line in text.strip().splitlines()]


def words(text: str) -> list[list[str]]:
    """Rows of words; a line may hold several rows, separated by semicolons."""
    return [row.split() for row in text.strip().replace(";", "\n").splitlines()]


def loops(text: str) -> dict[str, int]:
    """``ch-a+20 ch-b+12`` → metres by place."""
    return {place: int(metres) for place, metres in (item.split("+") for item in text.split())}


# id: (name, kind, longitude, latitude, feeder)
SITES: dict[str, tuple[str, str, float, float, str | None]] = {
    "datacentre": ("Datacentre", "datacentre", 4.3500, 43.8300, "feeder-datacentre"),
    "exchange": ("Old exchange", "datacentre", 4.3720, 43.8262, "feeder-exchange"),
    "north": ("North point of presence", "pop", 4.3560, 43.8520, "feeder-north"),
    "east": ("East point of presence", "pop", 4.3890, 43.8440, "feeder-east"),
    "south": ("South point of presence", "pop", 4.3640, 43.8030, "feeder-south"),
    "west": ("West point of presence", "pop", 4.3270, 43.8170, "feeder-south"),
    "aigues": ("Town hall of Aigues", "office", 4.3260, 43.8790, "feeder-aigues"),
    "boisset": ("Town hall of Boisset", "office", 4.3580, 43.9030, "feeder-boisset"),
    "calvas": ("Town hall of Calvas", "office", 4.4080, 43.8990, "feeder-calvas"),
    "dourbie": ("Town hall of Dourbie", "office", 4.4330, 43.8690, "feeder-dourbie"),
    "estel": ("Town hall of Estel", "office", 4.2150, 43.7830, "feeder-estel"),
    "halles": ("Cabinet at the market halls", "cabinet", 4.3405, 43.8235, "feeder-halles"),
    "fc-moulin": ("Fibre cabinet at the mill", "cabinet", 4.3440, 43.8055, None),
    "fc-lavoir": ("Fibre cabinet at the wash-house", "cabinet", 4.3390, 43.8065, None),
    "mill": ("The mill", "customer", 4.3446, 43.8062, None),
}

# id, longitude, latitude, kind: first the entries of sites, then those on the way
CHAMBERS = {
    key: (float(lon), float(lat), kind)
    for key, lon, lat, kind in words(
        """
ch-dc-n 4.3503 43.8310 chamber; ch-dc-s 4.3497 43.8290 chamber
ch-ex-n 4.3722 43.8272 chamber; ch-ex-s 4.3716 43.8253 chamber
ch-no-w 4.3548 43.8517 chamber; ch-no-e 4.3572 43.8523 chamber
ch-ea-n 4.3893 43.8449 chamber; ch-ea-s 4.3888 43.8431 chamber
ch-so-n 4.3641 43.8039 chamber; ch-so-w 4.3629 43.8028 chamber
ch-we-n 4.3272 43.8180 chamber; ch-we-s 4.3266 43.8161 chamber
ch-ai-s 4.3262 43.8781 handhole; ch-ai-n 4.3266 43.8799 handhole
ch-bo-w 4.3568 43.9026 handhole; ch-bo-e 4.3591 43.9035 handhole
ch-ca-w 4.4069 43.8992 handhole; ch-ca-s 4.4084 43.8981 handhole
ch-do-n 4.4326 43.8699 handhole; ch-do-s 4.4322 43.8683 handhole
ch-es 4.2161 43.7834 handhole; ch-ha 4.3411 43.8238 handhole
ch-boulevard 4.3480 43.8360 chamber; ch-marche 4.3455 43.8365 chamber
ch-carrefour 4.3500 43.8420 chamber; ch-lycee 4.3530 43.8470 chamber
ch-gare 4.3380 43.8370 chamber; ch-usine 4.3300 43.8290 chamber
ch-arenes 4.3570 43.8270 chamber; ch-canal 4.3650 43.8245 chamber
ch-jardin 4.3590 43.8345 chamber; ch-temple 4.3675 43.8325 chamber
ch-quai-o 4.3560 43.8200 chamber; ch-quai-e 4.3680 43.8190 chamber
ch-pont-n 4.3605 43.8160 chamber; ch-pont-s 4.3610 43.8125 chamber
ch-faubourg 4.3625 43.8080 chamber; ch-verger 4.3665 43.8085 chamber
ch-prairie 4.3520 43.8030 chamber; ch-neuf-s 4.3350 43.8080 chamber
ch-neuf-n 4.3330 43.8110 chamber; ch-stade 4.3780 43.8330 chamber
ch-campus 4.3850 43.8390 chamber; ch-hopital 4.3660 43.8540 chamber
ch-zac 4.3780 43.8510 chamber; ch-garrigue 4.3400 43.8560 chamber
ch-capitelle 4.3310 43.8690 chamber; ch-combe 4.3400 43.8900 chamber
ch-bois 4.3500 43.8985 chamber; ch-plateau 4.3750 43.9050 chamber
ch-mas 4.3920 43.9030 chamber; ch-vigne 4.4200 43.8880 chamber
ch-source 4.4290 43.8780 chamber; ch-route 4.4200 43.8590 chamber
ch-rond-point 4.4040 43.8500 chamber; ch-plaine 4.3000 43.8090 pole
ch-ecluse 4.2700 43.8000 pole; ch-marais 4.2400 43.7900 pole
ch-colline 4.3180 43.8330 chamber; ch-oliviers 4.3250 43.8480 chamber
ch-cypres 4.3420 43.8575 chamber; ch-cimetiere 4.3560 43.8560 chamber
ch-tanneurs 4.3230 43.8290 chamber; ch-vallon 4.3060 43.8220 chamber
ch-republique 4.3450 43.8255 chamber
ch-digue 4.2600 43.7800 pole; ch-canal-s 4.3200 43.7880 pole
"""
    )
}

# Kinds of segment that are not trenches, and lives that are not "in service and ours".
KINDS = {
    "s-pont-n-pont-s": "bridge",
    "s-neuf-s-neuf-n": "bridge",
    "s-plaine-ecluse": "overhead",
    "s-ecluse-marais": "overhead",
    "s-es-digue": "overhead",
    "s-digue-canal-s": "overhead",
    "s-canal-s-so-w": "overhead",
}
PLANNED = ("s-es-digue", "s-digue-canal-s", "s-canal-s-so-w")
ABANDONED = ("s-quai-e-verger",)
RENTED = ("s-hopital-zac",)

BRIDGE = "du-pont-vieux"

TYPES = {"144": "g652d-144", "72": "g652d-72", "24": "g657a-24"}

# id: strands: places on the route: slack loops with metres: status if not in service
CABLES = {
    fields[0]: (TYPES[fields[1]], fields[2].split(), loops(fields[3]), fields[4])
    for fields in table(
        """
c-core-south: 144: datacentre ch-dc-s ch-arenes ch-canal ch-ex-s exchange: ch-canal+20:
c-core-north: 144: datacentre ch-dc-n ch-jardin ch-temple ch-ex-n exchange: ch-temple+20:
c-dc-carrefour: 144: datacentre ch-dc-n ch-boulevard ch-carrefour: ch-carrefour+12:
c-carrefour-north: 144: ch-carrefour ch-lycee ch-no-w north: ch-carrefour+12:
c-dc-west: 72: datacentre ch-dc-n ch-marche ch-carrefour ch-gare ch-usine ch-we-n west: ch-carrefour+25:
c-dc-south: 72: datacentre ch-dc-s ch-quai-o ch-pont-n ch-pont-s ch-faubourg ch-so-n south: ch-quai-o+20:
c-ex-south: 72: exchange ch-ex-s ch-quai-e ch-pont-n ch-pont-s ch-verger ch-so-n south: ch-verger+20:
c-ex-east: 144: exchange ch-ex-n ch-stade ch-campus ch-ea-s east: ch-campus+20:
c-north-east: 72: north ch-no-e ch-hopital ch-zac ch-ea-n east: ch-hopital+20:
c-south-west: 72: south ch-so-w ch-prairie fc-moulin fc-lavoir ch-neuf-s ch-neuf-n ch-we-s west: fc-moulin+30:
c-west-north: 72: west ch-we-n ch-colline ch-oliviers ch-cypres ch-cimetiere ch-no-e north: ch-oliviers+20:
c-north-aigues: 72: north ch-no-w ch-lycee ch-carrefour ch-garrigue ch-capitelle ch-ai-s aigues: ch-carrefour+25:
c-aigues-boisset: 72: aigues ch-ai-n ch-combe ch-bois ch-bo-w boisset: ch-combe+20:
c-boisset-plateau: 72: boisset ch-bo-e ch-plateau: ch-plateau+12:
c-plateau-calvas: 72: ch-plateau ch-mas ch-ca-w calvas: ch-plateau+12:
c-calvas-vigne: 72: calvas ch-ca-s ch-vigne: ch-vigne+12:
c-vigne-dourbie: 72: ch-vigne ch-source ch-do-n dourbie: ch-vigne+12:
c-dourbie-east: 72: dourbie ch-do-s ch-route ch-rond-point ch-ea-s east: ch-route+20:
c-west-estel: 72: west ch-we-s ch-plaine ch-ecluse ch-marais ch-es estel: ch-ecluse+20:
c-halles-dc: 24: halles ch-ha ch-republique ch-dc-s datacentre: :
c-halles-west: 24: halles ch-ha ch-tanneurs ch-vallon ch-we-s west: :
c-mill: 24: fc-moulin mill: fc-moulin+12:
c-ford: 72: exchange ch-ex-s ch-quai-e ch-verger ch-so-n south: : abandoned
c-estel-south: 72: estel ch-es ch-digue ch-canal-s ch-so-w south: : planned
"""
    )
}

# closure: (place, [(a, b, extra)], opened, note)
CLOSURES: list[tuple[str, str, list[tuple[str, str, str]], list[str], str]] = [
    (
        "k-carrefour",
        "ch-carrefour",
        [("c-dc-carrefour:1-144", "c-carrefour-north:1-144", "loss: 0.06 dB")],
        [],
        "",
    ),
    (
        "k-plateau",
        "ch-plateau",
        [
            ("c-boisset-plateau:1-4", "c-plateau-calvas:1-4", "loss_ab: -0.04 dB, loss_ba: 0.16 dB"),
            ("c-boisset-plateau:5-72", "c-plateau-calvas:5-72", "loss: 0.07 dB"),
        ],
        [],
        "Read both ways: one way shows a gain, the mean (0.06 dB) is the loss.",
    ),
    (
        "k-vigne",
        "ch-vigne",
        [
            ("c-calvas-vigne:1-2", "c-vigne-dourbie:1-2", "loss_ab: -0.05 dB"),
            ("c-calvas-vigne:3-72", "c-vigne-dourbie:3-72", "loss: 0.08 dB"),
        ],
        [],
        "Read one way only: a gainer. It says nothing about the loss.",
    ),
    (
        "k-moulin",
        "fc-moulin",
        [("c-south-west/a:13-14", "c-mill:1-2", "loss: 0.05 dB")],
        ["c-south-west:15-24"],
        "One tube of six opened: two strands cut for the mill, ten touched, the rest pass uncut.",
    ),
]

# switch: (dpid, site, role)
SWITCHES = {
    key: (int(dpid), site, role)
    for key, dpid, site, role in words(
        """
core-a 1 datacentre core; core-b 2 exchange core
pop-north 3 north pop; pop-east 4 east pop; pop-south 5 south pop; pop-west 6 west pop
com-aigues 7 aigues commune; com-boisset 8 boisset commune; com-calvas 9 calvas commune
com-dourbie 10 dourbie commune; com-estel 11 estel commune; cab-halles 12 halles access
"""
    )
}

# a, port, b, port, cable at a, cable at b, first strand, optics at a, optics at b, name of the link (- if usual)
LINKS = words(
    """
core-a 1 core-b 1 c-core-south c-core-south 1 10g-lr 10g-lr core-a--core-b-1
core-a 2 core-b 2 c-core-north c-core-north 1 10g-lr 10g-lr core-a--core-b-2
core-a 3 pop-north 1 c-dc-carrefour c-carrefour-north 1 10g-lr 10g-lr -
core-a 4 pop-west 1 c-dc-west c-dc-west 1 10g-lr 10g-lr -
core-a 5 pop-south 1 c-dc-south c-dc-south 1 10g-lr 10g-lr -
core-b 4 pop-south 2 c-ex-south c-ex-south 1 10g-lr 10g-lr -
core-b 3 pop-east 1 c-ex-east c-ex-east 1 10g-lr 10g-lr -
pop-north 2 pop-east 2 c-north-east c-north-east 1 10g-lr 10g-lr -
pop-south 3 pop-west 2 c-south-west c-south-west 1 10g-lr 10g-lr -
pop-west 3 pop-north 4 c-west-north c-west-north 1 10g-lr 10g-lr -
pop-north 3 com-aigues 1 c-north-aigues c-north-aigues 1 10g-lr 10g-lr -
com-aigues 2 com-boisset 1 c-aigues-boisset c-aigues-boisset 1 10g-lr 10g-lr -
com-boisset 2 com-calvas 1 c-boisset-plateau c-plateau-calvas 1 10g-lr 10g-lr -
com-calvas 2 com-dourbie 1 c-calvas-vigne c-vigne-dourbie 1 10g-lr 10g-lr -
com-dourbie 2 pop-east 3 c-dourbie-east c-dourbie-east 1 10g-lr 10g-lr -
pop-west 5 com-estel 1 c-west-estel c-west-estel 1 10g-er 10g-er -
cab-halles 1 core-a 6 c-halles-dc c-halles-dc 1 1g-lx10 1g-lx10 -
cab-halles 2 pop-west 4 c-halles-west c-halles-west 1 1g-bx10-u 1g-bx10-d -
com-boisset 5 pop-east 6 c-boisset-plateau c-dourbie-east 5 10g-lr 10g-lr spare-boisset-east
pop-west 6 com-estel 2 c-west-estel c-west-estel 5 10g-er 10g-er spare-west-estel
pop-north 7 com-aigues 7 c-north-aigues c-north-aigues 5 10g-lr 10g-lr spare-north-aigues
core-b 8 pop-south 8 c-ford c-ford 1 10g-lr 10g-lr old-ford
com-estel 3 pop-south 7 c-estel-south c-estel-south 1 10g-lr 10g-lr planned-estel-south
"""
)
REVERSED = "spare-north-aigues"
ER_CABLE = "c-west-estel"
ATTENUATED = ("pop-west 5", "com-estel 1")

TERMINATED = 12  # strands of every cable that are on frames where it ends at a site
