"""Who is insured for what: insurers, plans, cards, providers, terms and prices, and whether a card covers a service."""
