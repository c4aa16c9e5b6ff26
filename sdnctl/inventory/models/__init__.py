"""What people write in `inventory/`: one pydantic model per file.

`files.py` says which model is of which file; `rows.py` has the CSV forms of long lists.

Unknown keys are errors; quantities carry units. Every plant object says who owns and manages it,
where in its life it is, from when to when it is valid and how it is known (`source`); a file may say
that once for all its objects under `defaults`. References between objects are *not* checked here
(`build.py` does, over all files at once), only what one value can say about itself.
"""

from __future__ import annotations

from sdnctl.inventory.models.base import Life, LossRateSpan, LossSpan, PlantObject, Status, Strict
from sdnctl.inventory.models.devices import CredentialsModel, DeviceModel, UplinkModel
from sdnctl.inventory.models.endpoints import EndpointRow
from sdnctl.inventory.models.gear import (
    AttenuatorPartModel,
    EquipmentFile,
    JumperModel,
    PortModel,
    Price,
    SwitchModel,
    TransceiverModel,
    TransceiversFile,
)
from sdnctl.inventory.models.glass import (
    CableBase,
    CableModel,
    CablesFile,
    CableTypeModel,
    CableTypesFile,
    ClosureModel,
    ClosuresFile,
    OdfModel,
    OdfsFile,
    PassiveModel,
    PassivesFile,
    SlackModel,
    SpliceModel,
    StrandFaultModel,
    TerminationModel,
)
from sdnctl.inventory.models.works import (
    AreaFeature,
    ChamberRow,
    DuctModel,
    DuctsFile,
    HazardModel,
    HazardsFile,
    Ring,
    SegmentFeature,
    SiteModel,
    SitesFile,
)

__all__ = [
    "AreaFeature",
    "AttenuatorPartModel",
    "CableBase",
    "CableModel",
    "CableTypeModel",
    "CableTypesFile",
    "CablesFile",
    "ChamberRow",
    "ClosureModel",
    "ClosuresFile",
    "CredentialsModel",
    "DeviceModel",
    "DuctModel",
    "DuctsFile",
    "EndpointRow",
    "EquipmentFile",
    "HazardModel",
    "HazardsFile",
    "JumperModel",
    "Life",
    "LossRateSpan",
    "LossSpan",
    "OdfModel",
    "OdfsFile",
    "PassiveModel",
    "PassivesFile",
    "PlantObject",
    "PortModel",
    "Price",
    "Ring",
    "SegmentFeature",
    "SiteModel",
    "SitesFile",
    "SlackModel",
    "SpliceModel",
    "Status",
    "StrandFaultModel",
    "Strict",
    "SwitchModel",
    "TerminationModel",
    "TransceiverModel",
    "TransceiversFile",
    "UplinkModel",
]
