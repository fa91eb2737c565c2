"""The hexagon: nouns, rules, use cases and ports, on the standard library alone.

The room's rule: nothing here imports another room, reads a clock, opens a socket or knows a transport.
English code; the partners' Portuguese appears here, once, and on the wire where a partner system uses it.

| Portuguese          | here               | what it is                                                 |
|---------------------|--------------------|------------------------------------------------------------|
| Acerto de contas    | Acerto             | the settling of accounts; this service                     |
| Ordem de Serviço    | WorkOrder          | one repair job of one customer; the saga's lock root       |
| Orçamento           | Budget             | a quote for a work order (not a spending limit)            |
| Valor               | price              | what the partner says the repair costs                     |
| Oficina             | workshop           | the tenant that owns a work order                          |
| Cliente             | customer           | who approves the budget and pays                           |
| Peça, mão de obra   | PART, LABOR        | kinds of line item                                         |
| Desconto            | DISCOUNT           | a line that lowers the total                               |
| Convênio, operadora | Insurer            | the company that pays for care (by its registro ANS)       |
| Plano de saúde      | HealthPlan         | the product that it sells                                  |
| Segmentação         | Segment            | the part of care that a plan is of                         |
| Cobertura           | CoverageRule       | what a plan says of a term: covered, asked first, how many |
| Rede                | network            | the providers that a plan pays                             |
| Carência            | WaitingPeriods     | how long after the enrolment care is covered               |
| Doença preexistente | pre-existing       | a condition declared at the enrolment, covered later       |
| Beneficiário        | Beneficiary        | whom a plan insures, by the card (carteirinha)             |
| Prestador           | Provider           | who gives the care: a clinic, a hospital (by its CNES)     |
| Termo da TUSS       | TussTerm           | a code of the terminology that care is billed in           |
| Preço contratado    | PriceAgreement     | what a plan pays for a term                                |
| Elegibilidade       | EligibilityCheck   | whether a card covers some care on a day, and why not      |
| Guia                | Claim              | what a provider asks of an insurer for care it gave        |
| Caráter             | Character          | whether the care could wait: ELECTIVE, URGENT              |
| Senha, autorização  | authorization_code | the insurer's word before the care (not access control)    |
| Lote                | ClaimBatch         | claims that are sent together                              |
| Protocolo           | protocol           | the insurer's receipt of a claim                           |
| Devolução           | RETURNED           | the insurer could not take the message; no denial          |
| Análise de conta    | adjudication       | what the insurer makes of each item                        |
| Glosa               | Denial             | what the insurer does not pay of an item, and why          |
| Recurso             | appeal             | asking the insurer to think again about a denial           |
| Acatar a glosa      | accept             | writing off what is pending of a denial                    |
| Conta               | Invoice            | what is billed to an insurer or a patient for claims       |
| Baixa               | Settlement         | money that came for an invoice                             |
| Estorno             | Reversal           | a settlement taken back, whole                             |
| Retenção            | withheld           | what the payer keeps back of it as tax                     |
"""
