"""sdnctl's driver `ryu`: rules of switches that are connected to an os-ken or Ryu application.

Import `sdnctl_ryu.driver` where sdnctl runs, and `sdnctl_ryu.app` where the framework runs. The driver needs no
framework, and a framework may want to patch the standard library first: so nothing is imported here.
"""
