"""``sdnctl-os-ken [OPTIONS]``: runs the application, and yours, on os-ken.

os-ken brings no launcher of its own any more. Options are os-ken's, such as ``--ofp-tcp-listen-port``, with
``--sdnctl-listen`` and ``--applications MODULE,…``. With Ryu, ``ryu-manager sdnctl_ryu.app …`` does the same.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until interrupted or terminated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of imports inside the framework
        from sdnctl_ryu import framework

        log = framework.module("log")
        framework.hub.patch(thread=False)
        log.early_init_log()
        framework.module("controller.ofp_handler")  # registers where to listen for switches
        from sdnctl_ryu import app
    configuration = framework.cfg.CONF
    configuration.register_cli_opts(
        [
            framework.cfg.ListOpt(
                "applications", default=[], help="modules of your applications, with commas between"
            )
        ]
    )
    configuration(args=list(sys.argv[1:] if arguments is None else arguments), project="sdnctl-os-ken")
    log.init_log()
    signal.signal(signal.SIGTERM, _stop)
    manager = framework.app_manager.AppManager.get_instance()
    manager.load_apps(["sdnctl_ryu.app", *configuration.applications])
    services = manager.instantiate_apps(**manager.create_contexts())
    try:
        framework.hub.joinall(services)
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        manager.applications[app.NAME].close()
        logging.shutdown()
        # os-ken's native threads wait for switches for ever, and the interpreter would wait for them.
        os._exit(0)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
