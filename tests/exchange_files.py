"""Small topology files of each format, written for these tests, with what real ones have in them."""

from __future__ import annotations

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="label" attr.type="string" for="node" id="d1"/>
  <key attr.name="Longitude" attr.type="double" for="node" id="d2"/>
  <key attr.name="Latitude" attr.type="double" for="node" id="d3"/>
  <key attr.name="hyperedge" attr.type="int" for="node" id="d4"/>
  <key attr.name="Internal" attr.type="int" for="node" id="d5"/>
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d6"/>
  <key attr.name="LinkLabel" attr.type="string" for="edge" id="d7"/>
  <key attr.name="LinkSpeed" attr.type="string" for="edge" id="d8"/>
  <key attr.name="LinkSpeedUnits" attr.type="string" for="edge" id="d9"/>
  <key attr.name="Network" attr.type="string" for="graph" id="d10"/>
  <graph edgedefault="undirected">
    <data key="d10">Réseau d'essai</data>
    <node id="0"><data key="d1">São Paulo</data><data key="d2">-46.63</data><data key="d3">-23.55</data></node>
    <node id="1"><data key="d1">東京</data><data key="d2">139.69</data><data key="d3">35.68</data></node>
    <node id="2"><data key="d1">São Paulo</data></node>
    <node id="3"><data key="d1">None</data><data key="d4">1</data></node>
    <node id="4"><data key="d1">Far</data><data key="d2">7.1</data><data key="d3">50.7</data>
      <data key="d5">0</data></node>
    <node id="5"><data key="d1">Alone</data><data key="d2">8.1</data><data key="d3">51.7</data></node>
    <edge source="0" target="1" id="e0"><data key="d6">2500000000.0</data></edge>
    <edge source="0" target="1" id="e1"><data key="d7">2x STM-16</data></edge>
    <edge source="1" target="1" id="loop"/>
    <edge source="0" target="3"><data key="d8">155</data><data key="d9">M</data></edge>
    <edge source="2" target="3"><data key="d7">10 Gbps</data></edge>
    <edge source="4" target="3"/>
  </graph>
</graphml>
"""

SNDLIB = """?SNDlib native format; type: network; version: 1.0
# network small
META ( granularity = 1week unit = MBITPERSEC )
NODES (
  Gdansk ( 18.60 54.20 )
  Warsaw ( 21.00 52.20 )
  Krakow ( 19.80 50.00 )
)
LINKS (
  L1 ( Gdansk Warsaw ) 2500.00 0.00 0.00 0.00 ( )
  L2 ( Warsaw Krakow ) 0.00 0.00 0.00 0.00 ( 155.00 156.00 622.00 468.00 )
  L3 ( Gdansk Krakow ) 0.00 0.00 0.00 0.00 ( 155.00 156.00 622.00 468.00 )
  L4 ( Gdansk Krakow ) 100.00 0.00 0.00 0.00 ( 155.00 156.00 )
)
DEMANDS (
  D1 ( Gdansk Krakow ) 1 195.00 UNLIMITED
  D2 ( Warsaw Krakow ) 2 300.00 UNLIMITED
  D3 ( Warsaw Warsaw ) 1 10.00 UNLIMITED
  D4 ( Gdansk Warsaw ) 1 0.00 UNLIMITED
)
ADMISSIBLE_PATHS (
  D1 ( P_0 ( L3 ) P_1 ( L1 L2 ) )
)
"""

REPETITA = """NODES 4
label x y
0_Paris 2.35 48.85
1_Lyon 4.85 45.75
2_Nice 7.26 43.70
3_Far 9.00 42.00

EDGES 7
label src dest weight bw delay
edge_0 0 1 10 9953280 1913
edge_1 1 0 10 9953280 1913
edge_2 1 2 5 2488320 900
edge_3 2 1 5 622080 950
edge_4 2 0 7 2488320 3000
edge_5 0 1 10 9953280 1913
edge_6 1 0 10 9953280 1913
"""

DEMANDS = """DEMANDS 4
label src dest bw
demand_0 0 2 100000
demand_1 2 0 40000
demand_2 1 0 7
demand_3 0 3 5
"""

TOPOHUB = """{"directed": false, "multigraph": false,
"graph": {"name": "tri", "demands": {"0": {"1": 195.0, "2": 5}, "1": {"0": 20}}},
"nodes": [
{"id": 0, "name": "A", "pos": [18.6, 54.2]},
{"id": 1, "name": "A", "pos": [17.9, 53.1]},
{"id": 2, "name": "C", "pos": [16.1, 54.2]}
],
"edges": [
{"source": 0, "target": 1, "dist": 130.5},
{"source": 1, "target": 2, "dist": 170.43},
{"source": 2, "target": 0, "dist": 162.65}
]}
"""

FILES = {"zoo.graphml": GRAPHML, "net.txt": SNDLIB, "x.graph": REPETITA, "tri.json": TOPOHUB}
