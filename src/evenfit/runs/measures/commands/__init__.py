"""Commands: one measurement each, from the table's file to the folder that is left."""
