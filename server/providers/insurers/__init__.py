"""The insurers' own services for checks of eligibility."""
