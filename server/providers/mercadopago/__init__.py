"""Mercado Pago: its Orders API (what it recommends), its Payments API (what is everywhere), and its webhooks."""
