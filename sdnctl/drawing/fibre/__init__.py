"""Drawings that fibre crews work from: the plan of a splice box, the synoptic of cables, the line of one route."""
