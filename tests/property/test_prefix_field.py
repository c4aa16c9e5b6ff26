"""Address ranges are read as the standard library reads them, by the short way or the long one."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sdnctl.inventory.fields import PrefixField

FIELD: TypeAdapter[object] = TypeAdapter(PrefixField)

number = st.integers(-1, 300).map(str) | st.sampled_from(["", "00", "08", "+1", " 1", "1 ", "x", "١"])
usual = st.builds("{}.{}.{}.{}/{}".format, number, number, number, number, number)
even = st.builds("10.{}.0.0/{}".format, st.integers(0, 255), st.integers(0, 33))
others = (
    st.ip_addresses(network="::/0").map(lambda address: f"{address}/128")
    | st.ip_addresses().map(str)
    | st.sampled_from(["10.0.0.0/255.0.0.0", "10.0.0.0/", "/8", "", "10.0.0/8", "10.0.0.0.0/8", "2001:db8::/32"])
)


@given(usual | even | others)
def test_as_the_standard_library_does(text: str) -> None:
    try:
        wanted: object = ip_network(text)
    except ValueError:
        wanted = None
    try:
        found: object = FIELD.validate_python(text)
    except ValidationError:
        found = None
    assert found == wanted
