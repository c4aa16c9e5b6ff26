"""Light, modules and neighbours: tables of a simulated device behind a real snmpd; the arithmetic on its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from sdnctl_snmp import SnmpDriver, oids
from sdnctl_snmp.entities import NO_LIGHT, Entities, dbm, direction, interfaces_of, optical_levels, power_of
from sdnctl_snmp.neighbours import neighbours
from sdnctl_snmp.testing.snmpd import Agents
from sdnctl_snmp.values import Value

from sdnctl.inventory.facts import Neighbour, Transceiver

ROOTS = ("1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1", "1.3.6.1.2.1.47.1", "1.3.6.1.2.1.99.1", "1.0.8802.1.1.2.1")
Tables = dict[str, tuple[str, object]]
WATTS, DBM_BY_UNIT = 6, 1


def entity(index: int, kind: int, inside: int, name: str, **more: str) -> Tables:
    columns = {"descr": 2, "software": 10, "serial": 11, "vendor": 12, "model": 13}
    base = "1.3.6.1.2.1.47.1.1.1.1"
    rows: Tables = {
        f"{base}.4.{index}": ("integer", inside),
        f"{base}.5.{index}": ("integer", kind),
        f"{base}.7.{index}": ("string", name),
    }
    return rows | {f"{base}.{columns[key]}.{index}": ("string", value) for key, value in more.items()}


def sensor(
    index: int, kind: int, scale: int, precision: int, value: int, status: int = 1, unit: str = ""
) -> Tables:
    values = (kind, scale, precision, value, status)
    rows: Tables = {f"{oids.SENSORS}.{column}.{index}": ("integer", said) for column, said in enumerate(values, 1)}
    return rows | {f"{oids.SENSORS}.6.{index}": ("string", unit or "none")}


def device() -> Tables:
    """Two ports: one SFP that says its light in µW, one QSFP with two lanes that says it in dBm."""
    tables: Tables = {}
    for index, name in ((1, "xe-0/0/0"), (2, "et-0/1/0")):
        tables |= {
            f"{oids.IF_DESCR}.{index}": ("string", name),
            f"{oids.IF_PHYS_ADDRESS}.{index}": ("octet", f"02 00 00 00 00 0{index}"),
            f"{oids.IF_OPER_STATUS}.{index}": ("integer", index),
            f"{oids.IF_NAME}.{index}": ("string", name),
            f"{oids.IF_HC_IN_OCTETS}.{index}": ("counter64", 1000 * index),
            f"{oids.IF_ALIAS}.{index}": ("string", "to pop-gare"),
        }
    tables |= entity(1, 3, 0, "chassis", vendor="Example", model="EX-9", serial="CH1", software="12.4R1")
    tables |= entity(10, 10, 1, "port 0") | entity(
        11, 9, 10, "sfp", model="SFP-10G-LR", serial="S1", descr="10GBASE-LR"
    )
    tables |= entity(12, 8, 11, "Rx optical power") | entity(13, 8, 11, "Tx optical power")
    tables |= entity(14, 8, 11, "Temperature") | entity(15, 8, 11, "Tx bias current")
    tables |= (
        entity(20, 10, 1, "et-0/1/0")
        | entity(21, 8, 20, "Lane 1 ReceivedPower")
        | entity(22, 8, 20, "Lane 2 RxPower")
    )
    tables |= entity(30, 6, 1, "power supply") | entity(31, 8, 30, "input power")
    tables |= {f"{oids.ENT_ALIAS}.10.0": ("objectid", f".{oids.IF_INDEX}.1")}
    tables |= sensor(12, WATTS, 7, 1, 251) | sensor(13, WATTS, 8, 0, 1)  # 25.1 µW, 1 mW
    tables |= sensor(14, 8, 9, 0, 41) | sensor(15, 5, 8, 1, 352)
    tables |= sensor(21, DBM_BY_UNIT, 9, 2, -612, unit="dBm") | sensor(22, DBM_BY_UNIT, 9, 2, -1840, unit="dBm")
    tables |= sensor(31, WATTS, 9, 0, 210)
    local, remote = oids.LLDP_LOCAL_PORTS, oids.LLDP_REMOTE
    tables |= {
        f"{local}.2.7": ("integer", 5),
        f"{local}.3.7": ("string", "xe-0/0/0"),
        f"{local}.2.8": ("integer", 3),
        f"{local}.3.8": ("octet", "02 00 00 00 00 02"),
        f"{remote}.4.0.7.1": ("integer", 4),
        f"{remote}.5.0.7.1": ("octet", "02 00 00 00 0a 01"),
        f"{remote}.6.0.7.1": ("integer", 5),
        f"{remote}.7.0.7.1": ("string", "ge-3"),
        f"{remote}.9.0.7.1": ("string", "pop-gare"),
        f"{remote}.4.33.8.2": ("integer", 5),
        f"{remote}.5.33.8.2": ("octet", "01 c0 00 02 07"),
        f"{remote}.6.33.8.2": ("integer", 3),
        f"{remote}.7.33.8.2": ("octet", "02 00 00 00 0b 02"),
    }
    return tables


@pytest.mark.servers("snmpd")
@pytest.mark.parametrize("user", [None, "sha256"], ids=["simulated-tables-v2c", "simulated-tables-v3"])
def test_facts_of_a_device_with_optics(running: Agents, folder: Path, user: str | None) -> None:
    agent = running.start(folder / f"optics-{user}", roots=ROOTS)
    agent.write(device())

    async def work() -> None:
        driver = await SnmpDriver.open(agent.target(user))
        facts = await driver.facts()
        assert (facts.vendor, facts.model, facts.serial, facts.version) == ("Example", "EX-9", "CH1", "12.4R1")
        assert [(p.name, p.number, p.up, p.description) for p in facts.ports] == [
            ("xe-0/0/0", 1, True, "to pop-gare"),
            ("et-0/1/0", 2, False, "to pop-gare"),
        ]
        assert facts.neighbours == (
            Neighbour("et-0/1/0", "192.0.2.7", "02:00:00:00:0b:02", "192.0.2.7"),
            Neighbour("xe-0/0/0", "pop-gare", "ge-3", "02:00:00:00:0a:01"),
        )
        qsfp, sfp = facts.transceivers
        assert (sfp.port, sfp.kind, sfp.part, sfp.serial) == ("xe-0/0/0", "10GBASE-LR", "SFP-10G-LR", "S1")
        assert sfp.rx_power == pytest.approx(10 * math.log10(0.0251))
        assert sfp.tx_power == pytest.approx(0.0)
        assert qsfp == Transceiver("et-0/1/0", rx_power=qsfp.rx_power)
        assert qsfp.rx_power == pytest.approx(-18.4)  # of the weaker lane

        agent.write(device() | sensor(12, WATTS, 7, 1, 0) | sensor(13, WATTS, 8, 0, 1, status=3))
        dark = {one.port: one for one in (await driver.facts()).transceivers}["xe-0/0/0"]
        assert (dark.rx_power, dark.tx_power) == (
            NO_LIGHT,
            None,
        )  # no light; a sensor that does not work says nothing
        await driver.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((6, 8, 0, 1, 1, ""), 0.0),  # 1 mW
        ((6, 7, 0, 501, 1, ""), -3.0016),  # 501 µW
        ((6, 6, 0, 25_119, 1, ""), -16.0),  # nW
        ((6, 9, 7, 251, 1, ""), -16.0033),  # 0.0000251 W
        ((1, 9, 1, -163, 1, "dBm"), -16.3),
        ((14, 9, 1, -163, 1, ""), -16.3),  # Cisco's type
        ((14, 8, 0, -16_300, 1, ""), -16.3),  # mdBm
        ((1, 9, -1, -16, 1, "dBm"), -16.0),  # a negative precision says how good the number is
        ((6, 9, 0, 0, 1, ""), -40.0),
        ((6, 9, 0, -5, 1, ""), -40.0),
        ((14, 9, 0, -70, 1, ""), -40.0),
        ((6, 9, 0, 210, 1, ""), None),  # 210 W is a power supply
        ((8, 9, 0, 40, 1, ""), None),
        ((6, 8, 0, 1, 2, ""), None),  # unavailable
        ((6, 8, 0, 10**9, 1, ""), None),  # overflow
        ((6, 99, 0, 1, 1, ""), None),
        ((6, 8, 60, 1, 1, ""), None),
        ((14, 17, 0, 5, 1, ""), None),
    ],
)
def test_power(columns: tuple[Value, ...], expected: float | None) -> None:
    power = power_of(dict(enumerate(columns, 1)), "rx power")
    assert power == (None if expected is None else pytest.approx(expected, abs=1e-3))


def test_power_of_nonsense() -> None:
    for column in range(1, 7):
        for wrong in (b"x", "1.3.6", None, 1 << 70, 1.5):
            columns: dict[int, Value] = {1: 6, 2: 8, 3: 0, 4: 1, 5: 1, 6: ""}
            columns[column] = wrong
            assert power_of(columns, "rx") in (None, 0.0)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Rx Power", "rx"),
        ("DOM RX Power Sensor for Ethernet1", "rx"),
        ("TenGigE0/0/0/1 Transmit Power Sensor", "tx"),
        ("ReceivedPower lane 2", "rx"),
        ("xe-0/0/1 Laser output power", "tx"),
        ("rx_power", "rx"),
        ("Input power", "rx"),
        ("Tx/Rx power", None),
        ("Temperature", None),
        ("Texas receipts", None),
        ("", None),
    ],
)
def test_direction(label: str, expected: str | None) -> None:
    assert direction(label) == expected


def test_dbm_at_its_ends() -> None:
    assert dbm(1e-3) == pytest.approx(0.0)
    assert dbm(1e-12) == dbm(0.0) == dbm(-1.0) == NO_LIGHT


def test_containers_in_a_circle_end() -> None:
    contained: Mapping[str, Value] = {"1": 2, "2": 1}
    entities = Entities({oids.ENT_CONTAINED_IN: contained, oids.ENT_CLASS: {}}, {})
    assert entities.port_of("1", {1: "eth1"}) is None
    sensors: dict[str, Value] = {f"{column}.1": value for column, value in enumerate((6, 8, 0, 1, 1), 1)}
    assert optical_levels(sensors, entities, {1: "eth1"}) == {}


def test_aliases_that_are_no_interfaces() -> None:
    found = interfaces_of({"1.0": f"{oids.IF_INDEX}.7", "2.0": "1.3.6.1.2.1.17.1", "3.0": b"x", "4.0": None})
    assert found == {"1": 7}


def test_neighbours_of_nonsense() -> None:
    """Half rows, ids of the wrong kind, ports that nobody knows: text where there is text, never an error."""
    remote: dict[str, Value] = {
        "5.0.9.1": b"\x02\x00",
        "4.0.9.1": 4,
        "7.0.9.1": None,
        "5.1": b"x",
        "5.0.x.1": b"x",
        "9.0.3.1": b"alone",
        "5.0.4.2": 7,
        "6.0.4.2": b"5",
    }
    found = neighbours(remote, {"3.9": b"99", "3.x": b"", "2.9": 7}, {4: "eth4"}, {})
    assert [(one.port, one.remote_port) for one in found] == [("9", ""), ("eth4", "")]
