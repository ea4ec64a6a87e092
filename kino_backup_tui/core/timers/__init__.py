"""What wakes this program so that it makes the backup that is due: one file each, the texts apart."""
