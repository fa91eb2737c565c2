"""Budgets for work orders, the prices they are made from, and the saga that a work order is."""
