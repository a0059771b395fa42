"""WMI of the simulated computer: classes as tables, and what fills them."""
