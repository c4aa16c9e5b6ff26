"""GraceTHD (Géostandard ANT): deliveries of fibre plant as France exchanges them, to and from the network folder.

A delivery is a set of tables, in a folder of CSV files and shapefiles or in one GeoPackage. It passes through a
`Store` on disk, cell by cell as it was written:

    folder, .gpkg ── sources ──► Store ── reading ──► Records, names, defects, what was inferred ──► network folder
    network folder ──► Records ── writing ──► Store ── merging with what was kept ──► targets ──► folder, .gpkg

`Records` are the plant as the network folder has it, an object a dictionary. `reading` is a function of the
tables alone; so an export can ask what a reader will make of it, and put what the tables have no column for
into one more table (`remainder`). What an import does not understand stays in the folder `gracethd/` of the
network, and the next export gives it back. Names of tables, columns and codes are those of the published
standard.
"""
