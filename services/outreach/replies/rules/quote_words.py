"""Words by which mail clients introduce what they quote, by language: "wrote", "Gesendet", "Original Message".

They are what Gmail, Outlook, Apple Mail, Thunderbird, Yahoo, Zoho, Lotus Notes and others print in their translations.
"""

from collections.abc import Mapping

WROTE: Mapping[str, str] = {
    "English": "wrote | writes | said | has written",
    "German": "schrieb | schrieben | geschrieben | schreibt",
    "French": "a écrit | a ecrit | écrivait | écrit | nous a dit",
    "Spanish": "escribió | escribio | ha escrito",
    "Portuguese": "escreveu | escreveram",
    "Dutch": "schreef | geschreven | schreven",
    "Italian": "ha scritto | scrive | scriveva | hanno scritto",
    "Catalan, Galician": "va escriure | ha escrit | escribiu",
    "Nordic": "skrev | kirjoitti | skrifaði | skreiv",
    "Polish": "napisał(a) | napisał | napisała | pisze | nadesłał | nadesłała",
    "Czech, Slovak": "napsal(a) | napsal | napsala | napísal(a) | napísal | napísala",
    "Hungarian": "ezt írta | írta | a következőt írta",
    "Romanian": "a scris",
    "Croatian, Serbian, Slovene": "je napisao | je napisala | je napisao/la | napisao je | napisala je "
    "| je napisal | "
    "je napisal/a | је написао | је написала | је написао/ла",
    "Bulgarian": "написа",
    "Russian": "написал(а) | написал | написала | пишет | писал | писал(а) | писала | написал (а)",
    "Ukrainian, Belarusian": "пише | написав(ла) | написав | написала | піша | напісаў",
    "Baltic": "rašė | parašė | rakstīja | kirjutas",
    "Greek": "έγραψε | έγραψαν",
    "Turkish": "şunu yazdı | şunları yazdı | yazdı | yazmış",
    "Hebrew": "כתב | כתבה | כתב/ה | ‏כתב",
    "Arabic, Persian": "كتب | كتبت | كتب/ت | نوشت",
    "Chinese": "写道 | 寫道 | 写到 | 于",
    "Japanese": "のメッセージ | のメール | は書きました | さんは書きました | が書きました | 書きました",
    "Korean": "작성 | 님이 작성 | 님이 작성한 메시지 | 님이 작성하였습니다 | 님이 씀",
    "Vietnamese, Indonesian, Thai": "đã viết | menulis | เขียนว่า | เขียน",
}
"""The verb of an introduction. Forms are separated by `|`."""

OPENINGS: Mapping[str, str] = {
    "English": "on | at | in message | in article",
    "German": "am | um | den",
    "French": "le | à la date du | en date du",
    "Spanish, Catalan": "el | en | con fecha",
    "Portuguese": "em | no dia | a",
    "Dutch": "op",
    "Italian": "il | in data | nel messaggio | lo scorso",
    "Nordic": "den | på | pe | þann",
    "Polish": "w dniu | dnia | w | dn.",
    "Czech, Slovak": "dne | dňa | dna",
    "Hungarian, Romanian": "ekkor | pe | în | in | la",
    "Croatian, Serbian, Slovene": "dana | dne | u | дана | у",
    "Bulgarian, Greek": "на | в | στις | την | τη | στο",
    "Baltic": "data | kuupäeval | datums",
    "Hebrew, Arabic, Persian": "‫ב | ב | בתאריך | ‪ | في | بتاريخ | در",
    "Chinese": "在 | 于",
    "Vietnamese, Indonesian, Thai": "vào | pada | เมื่อ",
}
"""The word before the date of an introduction."""

FIELDS: Mapping[str, Mapping[str, str]] = {
    "from": {
        "English, German, French": "from | von | de | expéditeur | von / from | from / von",
        "Spanish, Portuguese, Italian, Dutch": "da | van | remitente | remetente | mittente | afzender",
        "Nordic": "fra | från | lähettäjä | frá",
        "Slavic": "od | nadawca | odesílatel | odosielateľ | pošiljatelj | от | от кого | отправитель | від "
        "| від кого | "
        "відправник | подател | ад",
        "Baltic, Hungarian, Romanian": "nuo | siuntėjas | no | sūtītājs | saatja | kellelt | feladó | küldő | de la",
        "Greek, Turkish": "από | αποστολέας | kimden | gönderen",
        "Hebrew, Arabic, Persian": "מאת | من | المرسل | از | فرستنده",
        "East Asian": "发件人 | 寄件者 | 寄件人 | 发自 | 差出人 | 送信者 | 보낸 사람 | 보낸사람 | 발신 "
        "| 발신인 | từ | người gửi | dari | จาก",
    },
    "sent": {
        "English, German": "sent | gesendet | gesendet am | sent / gesendet",
        "French": "envoyé | envoyé le | envoyé par | envoye | message du",
        "Spanish, Portuguese": "enviado | enviado el | enviada | enviada em | enviado em | enviada a | enviado a",
        "Italian, Dutch": "inviato | inviato il | verzonden | verzonden op",
        "Nordic": "sendt | skickat | lähetetty | sent dags",
        "Slavic": "wysłano | wysłane | odesláno | odoslané | poslano | отправлено | надіслано | изпратено | послато",
        "Baltic, Hungarian, Romanian": "išsiųsta | nosūtīts | saadetud | elküldve | küldve | trimis | trimis la",
        "Greek, Turkish": "στάλθηκε | εστάλη | gönderildi | gönderme tarihi",
        "Hebrew, Arabic": "נשלח | תאריך שליחה | أرسل | تم الإرسال | أُرسلت | فرستاده شده",
        "East Asian": "发送时间 | 寄件日期 | 傳送時間 | 发送日期 | 送信日時 | 送信日 | 보낸 날짜 | 보낸 시간 "
        "| 보냄 | đã gửi | dikirim | ส่ง",
    },
    "date": {
        "English, German, Dutch, Nordic": "date | datum | dato | päivämäärä | päiväys | dags | dagsetning | on",
        "French, Spanish, Italian": "le | fecha | data",
        "Slavic": "dátum | дата | датум | дата и время",
        "Baltic, Hungarian, Romanian": "datums | kuupäev | dátum | dată",
        "Greek, Turkish": "ημερομηνία | tarih",
        "Hebrew, Arabic": "תאריך | التاريخ | تاريخ | تاریخ",
        "East Asian": "日期 | 时间 | 時間 | 日時 | 日付 | 날짜 | 일시 | ngày | tanggal | วันที่",
    },
    "to": {
        "English, German": "to | an | to / an | reply-to | antwort an",
        "French, Spanish, Portuguese": "à | a | para | pour | destinataire | destinataires | destinatario | répondre à",
        "Italian, Dutch": "a | aan | destinatari | beantwoorden - aan",
        "Nordic": "til | till | vastaanottaja",
        "Slavic": "do | adresat | komu | za | prima | кому | до | куда | получатель | отримувач | каму",
        "Baltic, Hungarian, Romanian": "kam | kellele | címzett | către | catre | gavėjas | saaja",
        "Greek, Turkish": "προς | kime | alıcı",
        "Hebrew, Arabic": "אל | إلى | الى | به | گیرنده",
        "East Asian": "收件人 | 收件者 | 宛先 | 받는 사람 | 받는사람 | 수신 | 수신인 | đến | tới | kepada | ถึง",
    },
    "copy": {
        "any": "cc | bcc | kopie | copie à | copie | copia | cópia | kopi | kopia | dw | kopio | копия | копія | "
        "másolatot kap | másolat | κοιν. | κοινοποίηση | bilgi | עותק | העתק | نسخة | 抄送 | 副本 | 참조 "
        "| réponse à | tc",
    },
    "subject": {
        "English, German": "subject | betreff | re | subject / betreff",
        "French, Spanish, Portuguese": "objet | sujet | asunto | assunto",
        "Italian, Dutch": "oggetto | onderwerp",
        "Nordic": "emne | ämne | aihe | efni",
        "Slavic": "temat | předmět | predmet | zadeva | naslov | тема | относно | наслов | тэма",
        "Baltic, Hungarian, Romanian": "tema | temats | teema | tárgy | subiect",
        "Greek, Turkish": "θέμα | konu",
        "Hebrew, Arabic": "נושא | הנדון | الموضوع | موضوع",
        "East Asian": "主题 | 主旨 | 主題 | 件名 | 제목 | chủ đề | subjek | perihal | หัวข้อ | เรื่อง",
    },
}
"""The names of the fields that Outlook and others print above a quoted mail."""

SEPARATORS: Mapping[str, str] = {
    "English": "original message | forwarded message | reply message | your message | original email | "
    "original appointment | previous message | forwarded by | original mail",
    "German": "ursprüngliche nachricht | original-nachricht | originalnachricht | originalmail | antwort nachricht | "
    "weitergeleitete nachricht | weitergeleitet von | ursprünglicher termin | ihre nachricht",
    "French": "message d'origine | message original | message transféré | message initial | rendez-vous d'origine | "
    "votre message | mail original | courriel original",
    "Spanish": "mensaje original | mensaje reenviado | forwarded message | cita original | su mensaje",
    "Portuguese": "mensagem original | mensagem encaminhada | mensagem reencaminhada | sua mensagem",
    "Italian": "messaggio originale | messaggio inoltrato | il tuo messaggio | il suo messaggio | messaggio originario",
    "Dutch": "oorspronkelijk bericht | oorspronkelijke bericht | origineel bericht | doorgestuurd bericht | uw bericht",
    "Nordic": "ursprungligt meddelande | originalmeddelande | vidarebefordrat meddelande | oprindelig meddelelse | "
    "oprindelig besked | videresendt meddelelse | videresendt besked | opprinnelig melding | videresendt melding | "
    "alkuperäinen viesti | välitetty viesti | oprindeligt indlæg",
    "Polish": "wiadomość oryginalna | oryginalna wiadomość | treść oryginalnej wiadomości | wiadomość przekazana | "
    "przekazana wiadomość | original message",
    "Czech, Slovak": "původní zpráva | původní e-mail | přeposlaná zpráva | pôvodná správa | preposlaná správa",
    "Croatian, Serbian, Slovene": "izvorna poruka | originalna poruka | proslijeđena poruka | izvirno sporočilo | "
    "posredovano sporočilo | изворна порука",
    "Russian, Ukrainian, Bulgarian": "исходное сообщение | пересылаемое сообщение | пересланное сообщение | "
    "пересылаемое письмо | исходное письмо | вихідне повідомлення | оригінальне повідомлення | "
    "переслане повідомлення | пересилається повідомлення | оригинално съобщение | препратено съобщение | "
    "начало переадресованного сообщения",
    "Baltic, Hungarian, Romanian": "originalus pranešimas | persiųstas laiškas | oriģinālais ziņojums | "
    "algne sõnum | algne kiri | eredeti üzenet | továbbított üzenet | mesaj original | mesajul original | "
    "mesaj redirecționat",
    "Greek, Turkish": "αρχικό μήνυμα | προωθημένο μήνυμα | orijinal mesaj | özgün ileti | iletilen mesaj | "
    "yönlendirilmiş ileti",
    "Hebrew, Arabic": "הודעה מקורית | הודעה שהועברה | הודעה מועברת | الرسالة الأصلية | رسالة أصلية | رسالة محوّلة",
    "East Asian": "原始邮件 | 原始郵件 | 原始信件 | 转发邮件 | 轉寄郵件 | 转发的邮件 | 元のメッセージ "
    "| 転送メッセージ | "
    "転送されたメッセージ | 원본 메시지 | 원본 메일 | 전달된 메시지 | 전달된 메일 | 회신 메시지 | thư gốc "
    "| pesan asli",
}
"""What stands between the dashes above a quoted mail."""

FORWARDED: Mapping[str, str] = {
    "any": "begin forwarded message | anfang der weitergeleiteten nachricht | début du message transféré | "
    "début du message réexpédié | inicio del mensaje reenviado | início da mensagem encaminhada | "
    "início da mensagem reencaminhada | inizio messaggio inoltrato | begin doorgestuurd bericht | "
    "vidarebefordrat brev | start på videresendt besked | videresendt melding | "
    "początek przekazywanej wiadomości | začátek přeposílané zprávy | начало переадресованного сообщения | "
    "pocetak proslijedene poruke | 下面是被转发的邮件 | 転送されたメッセージ | 전달된 메시지 시작"
}
"""Lines of Apple Mail above what it forwards, without dashes."""
