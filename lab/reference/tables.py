"""Kinds of cable and of optics, as written to the network folder."""

CABLE_TYPES = (
    """\
# Kinds of cable: they imply the strands of every cable. Those named m6 are of 2003, six strands to a tube.
cable_types:
"""
    + "".join(
        f"  - {{id: {key}, strands: {strands}, tubes: {tubes}, colours: orange-fr, fibre: {fibre}, helix: 1 %}}\n"
        for key, strands, tubes, fibre in (
            ("g652d-288", 288, 24, "G.652.D"),
            ("g652d-144", 144, 12, "G.652.D"),
            ("g657a1-288", 288, 24, "G.657.A1"),
            ("g657a1-144", 144, 12, "G.657.A1"),
            ("g657a1-72", 72, 6, "G.657.A1"),
            ("g657a2-720", 720, 60, "G.657.A2"),
        )
    )
    + "".join(
        f"""\
  - id: {key}
    strands: {strands}
    tubes: {tubes}
    colours: orange-fr
    fibre: {fibre}
    helix: 1.5 %
    attenuation: # the planning figures, and one for the 1490 nm of single-strand optics
      1310 nm: {{min: 0.342 dB/km, max: 0.35 dB/km}}
      1490 nm: {{min: 0.21 dB/km, max: 0.30 dB/km}}
      1550 nm: {{min: 0.21 dB/km, max: 0.25 dB/km}}
    source: assumption for 1490 nm
"""
        for key, strands, tubes, fibre in (
            ("g652d-72-m6", 72, 12, "G.652.D"),
            ("g652d-24-m6", 24, 4, "G.652.D"),
            ("g652d-72", 72, 6, "G.652.D"),
            ("g657a2-72", 72, 6, "G.657.A2"),
            ("g657a2-24", 24, 2, "G.657.A2"),
            ("g657a2-12", 12, 1, "G.657.A2"),
            ("g657a2-4", 4, 1, "G.657.A2"),
        )
    )
)

TRANSCEIVERS = """\
# Average powers. With min_average_rx (IEEE 802.3) the penalty is inside; a sensitivity (vendor) still loses it.
transceivers:
  - id: 100g-lr4 # four lanes, powers of each; closes 6.3 dB
    rate: 100 Gbit/s
    wavelength: 1302 nm
    reach: 10 km
    tx_min: -4.3 dBm
    tx_max: 4.5 dBm
    rx_min: -10.6 dBm
    rx_basis: min_average_rx
    rx_max: 4.5 dBm
    penalty: 2.2 dB
    source: IEEE 802.3 clause 88, 100GBASE-LR4; transmit power and penalty as in vendors' data sheets
    confidence: memory-verify
  - id: 10g-lr # closes 6.2 dB
    rate: 10 Gbit/s
    wavelength: 1310 nm
    reach: 10 km
    tx_min: -8.2 dBm
    tx_max: 0.5 dBm
    rx_min: -14.4 dBm
    rx_basis: min_average_rx
    rx_max: 0.5 dBm
    penalty: 3.2 dB
    source: IEEE 802.3 clause 52, 10GBASE-LR
    confidence: memory-verify
  - id: 10g-er # closes 11.1 dB, and wants at least 5 dB
    rate: 10 Gbit/s
    wavelength: 1550 nm
    reach: 40 km
    tx_min: -4.7 dBm
    tx_max: 4 dBm
    rx_min: -15.8 dBm
    rx_basis: min_average_rx
    rx_max: -1 dBm
    penalty: 3.0 dB
    source: Avaya 8800 manual, table 39, 10GBASE-ER
    confidence: retrieved
  - id: 1g-lx10
    rate: 1 Gbit/s
    wavelength: 1310 nm
    reach: 10 km
    tx_min: -9 dBm
    tx_max: -3 dBm
    rx_min: -19.5 dBm
    rx_basis: min_average_rx
    rx_max: -3 dBm
    source: IEEE 802.3 clause 59, 1000BASE-LX10
    confidence: memory-verify
  - id: 1g-bx10-d # at the switch, one strand: sends 1490 nm, hears 1310 nm
    rate: 1 Gbit/s
    wavelength: 1490 nm
    rx_wavelength: 1310 nm
    reach: 10 km
    tx_min: -9 dBm
    tx_max: -3 dBm
    rx_min: -19.7 dBm
    rx_basis: min_average_rx
    rx_max: -3 dBm
    source: IEEE 802.3 clause 59, 1000BASE-BX10-D
    confidence: memory-verify
  - id: 1g-bx10-u # at the customer's, one strand: sends 1310 nm, hears 1490 nm
    rate: 1 Gbit/s
    wavelength: 1310 nm
    rx_wavelength: 1490 nm
    reach: 10 km
    tx_min: -9 dBm
    tx_max: -3 dBm
    rx_min: -19.5 dBm
    rx_basis: min_average_rx
    rx_max: -3 dBm
    source: IEEE 802.3 clause 59, 1000BASE-BX10-U
    confidence: memory-verify
"""

NETWORK = """\
# What holds for the whole network.
name: nimes-metropole
title: Nîmes Métropole
crs: EPSG:4326
mtu: 1500 B            # service MTU; links carry 34 B more for labels, Ethernet header and customer tags
labels:
  trunk: 1000-99999
  bypass: 100000-199999
  service: 200000-999999
lead_in: 200 m         # a shared way into a site up to this long is that site's residual single point of failure
hold_down: 5 s         # a link must be up this long before traffic returns to it
drain: 200 ms          # packets on old labels have left by then
# crisis_profile: flood   # reorders the admission ladder; see intents/classes.yaml
"""

LINKS = """\
# Nothing to declare: the strands in inventory/ give every link, its length and its shared risks.
links: []
srlgs: []
"""

MAINTENANCE = """\
# Links and switches that carry no traffic on purpose.
out_of_service: []
"""
