"""The page docs/stages.md for sales managers, generated from the rules.

`python -m services.stages.rules > docs/stages.md` writes it; a test compares it with the rules.
"""

from .checklist import SCORE_SLACK
from .diagram import journey_diagram, stage_table, transition_diagram, transition_table
from .settings import DEFAULT_SETTINGS
from .stages import END, MEANINGS, Stage, title_of

FAQ: dict[str, str] = {
    "Can I customize stages?": """\
No. The fourteen stages are fixed, because the rules depend on them. You can set the checklist, the quiet period and
the hot thresholds.""",
    "What's the difference between Lost and Bad Contact?": """\
Lost = they said no or went elsewhere. Bad Contact = you couldn't reach them at all: every known address failed.""",
    "What's the difference between Lost and Moved Company?": """\
Lost = they declined or went with someone else. Moved Company = the person left the company (common with
auto-replies). The account may still be viable with a new contact.""",
    "What triggers Bad Phone?": """\
Failed SMS attempts, an invalid number, or a rejection by the carrier, when the phone was the only address you
ever had of this lead.""",
    "What's the difference between Exhausted and Dead?": """\
Exhausted means that all channels of the outreach mode are used up, or that no channel of it works; a mode change or a
new e-mail or phone revives the lead automatically. Dead means that the lead opted out, was blocklisted, or is genuinely
uninterested: a dead lead is never revived, neither automatically nor by hand.""",
    "Can a lead go backward?": """\
Yes. If the last meeting ahead is cancelled, the lead goes back to Engaged. Exhausted leads go back to Contacted
when a channel opens up. And you can move a lead back by hand.""",
    "How long does Nurture last?": """\
Until the lead answers, books a meeting or completes your checklist, or you move it (for example to Lost). It may be
weeks or months: no timer ends it.""",
    "Do stages affect AI behavior?": """\
Yes. Each stage has its own messaging strategy, and a draft that makes no sense in the present stage is withdrawn.""",
    "What happens after Meeting Completed?": """\
You mark the lead as Won or Lost, based on the outcome. Until you do, the lead waits; after the quiet period
without a contact from the lead it goes to Nurture.""",
    "Can I skip stages?": """\
Yes. You can move a lead to any stage by hand, and the rules skip too: a new lead can book a meeting.""",
}
"""The questions of the FAQ and their answers; each answer has a test whose name is the question."""

_PAGE = """\
<!-- Generated from the rules: python -m services.stages.rules > docs/stages.md -->
# Lead Stages

Where every lead is in its journey. Leads move through the stages by the rules on this page, and you can move them by
hand at any time. The timeline of a lead shows each move with its reason, and each ignored event with the reason why.

## The Journey

```mermaid
{journey}
```

## Stage Definitions

{stages}

The status is the short view of the stage that other systems see.

## Automatic Transitions

The rules are tried in this order; the first that applies moves the lead.

{rules}

Won, and Lost after a meeting, are never automatic: you mark them.

<details><summary>All transitions in one picture</summary>

```mermaid
{all_rules}
```

</details>

An event counts at the time when it happened, even when it is received late. So your own move outranks everything older
than it, and an opt-out of any age leaves the lead dead. Where a late event changes earlier moves, the timeline shows
the old entries as superseded.

## Paused

**Exhausted** is not a dead lead. All channels of the current outreach mode are used up, or no channel of it works. If
you change the outreach mode (say, from e-mail only to blended), or a new e-mail or phone is found, the lead is revived
and queued for follow-up.

## End States

| End State | When It's Used |
|---|---|
{ends}

Only you move a lead out of an end state; an opt-out makes it dead. A customer (Won) who opts out stays Won, but
nothing is sent to them any more, and you can move them only to Dead. **Dead** is sealed: a dead lead is never revived.

## The Nurture Path

A lead goes to Nurture when it says "later", or when there is no contact from it for {quiet} days (you can set another
period), counted from the last reply, the last meeting, the entry into its stage or the end of the last sequence,
whichever is latest. Periodic check-ins go on until the lead answers and is back in Engaged, or you mark it Lost.

## The Qualification Checklist

You define the items. The tick that completes the required items qualifies the lead: your own tick, one that was read
from a reply, or one that follows the score ("score at least 70" holds until the score is more than {slack} points
below). Removing a tick moves no lead back, and changing the list moves no lead.

## Manual Override

Open the lead, choose the stage, add a note if you like. You can move a lead from any stage to any other, except out of
Dead. Lost and the other disqualified stages need a reason.

## FAQs

{faq}
"""


def stages_page() -> str:
    """The whole page, as it is checked in."""
    return _PAGE.format(
        journey=journey_diagram(),
        stages=stage_table(),
        rules=transition_table(),
        all_rules=transition_diagram(),
        ends="\n".join(f"| {title_of(stage)} | {MEANINGS[stage]} |" for stage in Stage if stage in END),
        quiet=f"{DEFAULT_SETTINGS.quiet_days:g}",
        slack=SCORE_SLACK,
        faq="\n\n".join(f"**{question}**\n{answer}" for question, answer in FAQ.items()),
    )
