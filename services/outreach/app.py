"""The composition root of the outreach service."""

from fastapi import FastAPI

from services.outreach import endpoints, hooks, workers
from services.outreach.consumers import Reader
from services.outreach.context import Context
from services.outreach.drafts import endpoints as draft_endpoints
from services.outreach.drafts import workers as draft_workers
from services.outreach.drafts.use_cases import requests, supersession
from services.outreach.drafts.use_cases.addressing import sender_addresses
from services.outreach.drafts.use_cases.composer import Composer
from services.outreach.gateways import LanguageModel
from services.outreach.replies import endpoints as reply_endpoints
from services.outreach.replies.mail_reader import MailReader
from services.outreach.replies.use_cases.asking import LabelAsker
from services.outreach.replies.use_cases.raw_mail import Mails
from services.outreach.replies.workers import ImapReader
from services.outreach.sending import endpoints as sending_endpoints
from services.outreach.sending import workers as sending_workers
from services.outreach.sending.gateways import FileSms, NoSms, SmsProvider, Smtp, TwilioSms
from services.outreach.sending.use_cases import exhaustion, outcomes
from services.outreach.sequences import workers as sequence_workers
from services.outreach.sequences.endpoints import enrolments as enrolment_endpoints
from services.outreach.sequences.endpoints import sequences as sequence_endpoints
from services.outreach.sequences.use_cases import interruptions
from services.outreach.settings import Settings
from services.outreach.store import backlog
from services.outreach.suppression import endpoints as suppression_endpoints
from services.outreach.suppression import workers as suppression_workers
from shared.service import Service

hooks.reply_labelled.connect(supersession.supersede_on_reply)
hooks.reply_labelled.connect(requests.request_answer)
hooks.channel_closed.connect(supersession.supersede_on_channel_closed)
hooks.channel_closed.connect(exhaustion.check_on_channel_closed)
hooks.reply_labelled.connect(interruptions.interrupt_on_reply)
hooks.channel_closed.connect(interruptions.interrupt_on_channel_closed)
hooks.draft_approved.connect(interruptions.approve_templates_with_draft)
hooks.sent_evidence.connect(outcomes.apply_sent_evidence)


def create_app(settings: Settings | None = None, only: str | None = None) -> FastAPI:
    """The whole service, or with `only` (api, consumers, workers) one part of it."""
    settings = settings or Settings()
    service = Service("outreach", settings, only=only)
    context = Context(service, settings)
    service.app.state.outreach = context
    service.on_start(context.load_keys)
    service.routes(
        endpoints.router,
        draft_endpoints.drafts,
        draft_endpoints.review,
        draft_endpoints.strategies,
        sending_endpoints.router,
        suppression_endpoints.router,
        reply_endpoints.router,
        sequence_endpoints.router,
        enrolment_endpoints.router,
    )
    service.consume(Reader(context).handle)
    model = _language_model(service, settings)
    _compose(service, settings, model)
    if model is not None:
        asker = LabelAsker(context, model, settings.llm_daily_tokens)
        service.work("labels", asker.step, every=settings.poll_seconds)
    _send(service, settings, context)
    service.measure(backlog.measure)
    steps = sequence_workers.Steps(context, sender_addresses(settings))
    service.work("sequences", steps.step, every=settings.poll_seconds)
    service.work("enrolment-jobs", sequence_workers.run_jobs, every=2.0)
    mail_reader = MailReader()
    mails = Mails(context, mail_reader)
    service.app.state.mails = mails
    service.on_stop(mail_reader.close)
    service.work("mails", mails.read_due, every=settings.poll_seconds)
    for account in settings.imap_accounts:
        reader = ImapReader(context, account)
        service.work(f"imap-{account.name}", reader.step, every=0.5)
        service.on_stop(reader.close)
    service.work("domains", suppression_workers.close_domain_leads, every=2.0)
    service.work("modes", workers.announce_tenant_modes, every=2.0)
    return service.app


def _language_model(service: Service, settings: Settings) -> LanguageModel | None:
    if not settings.has_language_model:
        return None
    model = LanguageModel(
        settings.llm_base_url,
        settings.llm_api_key.get_secret_value(),
        settings.llm_model,
        timeout=settings.llm_timeout,
    )
    service.on_stop(model.close)
    return model


def _compose(service: Service, settings: Settings, model: LanguageModel | None) -> None:
    composer = Composer(model, settings.llm_daily_tokens)
    sender = sender_addresses(settings)
    # time for two answers of the model, and as much again for everything else
    due = draft_workers.CompositionWorker(composer, sender, lease=settings.llm_timeout * 4 + 30)
    service.work("composer", due.step, every=settings.poll_seconds)
    service.work("expiry", draft_workers.expire_drafts, every=5.0)
    service.work("draft-counts", draft_workers.fold_counts, every=30.0)
    service.work("check-ins", draft_workers.request_check_ins, every=5.0)


def _send(service: Service, settings: Settings, context: Context) -> None:
    mailer = Smtp(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
        settings.smtp_starttls,
        settings.smtp_timeout,
        settings.smtp_answer_timeout,
    )
    public_url = settings.public_url.rstrip("/")
    sender = sending_workers.Sender(context, mailer, _sms_provider(settings), public_url, settings.send_limit)
    for number in range(settings.senders):
        service.work(f"sender-{number}", sender.step, every=settings.poll_seconds)
    service.work("leases", sending_workers.expire_leases, every=1.0)
    service.work("exhaustion", sending_workers.check_exhaustion, every=5.0)


def _sms_provider(settings: Settings) -> SmsProvider:
    if settings.sms_provider == "twilio":
        token = settings.sms_token.get_secret_value()
        return TwilioSms(settings.sms_url, settings.sms_account, token, timeout=settings.smtp_timeout)
    return FileSms(settings.sms_file) if settings.sms_provider == "file" else NoSms()
