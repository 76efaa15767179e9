"""The whole staged pipeline as an experiment that anybody can rerun: `casepilot bench autonomy`."""
