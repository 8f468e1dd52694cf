"""Ways to say what no message may say, and harmless sentences that look a little like them. All of our own writing.

The account behind them owes $312.50 on invoice 1042, of $400.00, issued in February and due on March 3, 2026.
"""

# Figures, dates, numbers and links that no record explains, however they are written.
UNTRACED = {
    "amount": [
        "pay two hundred", "two-hundred dollars", "two hundred and fifty", "TWO HUNDRED", "tw\u200bo hundred", "twohundred dollars",
        "1 250.00", "1.250,00", "1\u202f250,00", "1'250.00", "1,250", "$1,250", "USD 1250", "1250 USD", "US$1250", "1250$", "$ 1 2 5 0",
        "１２５０", "１,２５０.００", "𝟏𝟐𝟓𝟎", "①②⑤⓪", "١٢٥٠", "१२५०", "$l25O", "$1.25k", "1.2k", "2 grand", "five bucks", "a couple hundred",
        "fifty-fifty", "half a grand", "20%", "twenty percent", "20 pct", "1/2 of it", "½ now", "¾", "¼", "three quarters", "double that",
        "a third of it", "MCCL dollars", "0x4E2", "1e3", "3-1-2-5-1", "3 1 2 . 5 1", "$312.5O", "$3l2.50", "doscientos", "dos cientos",
        "mil doscientos", "veintiún dólares", "un tercio", "cien pesos", "quinientas", "2 mil", "ciento veinte", "trescientos doce",
        "cuatro-cientos", "t w o h u n d r e d", "ⅩⅡ", "Ⅻ dollars", "a C-note", "a c note", "fifty quid", "two C-notes",
    ],
    "date": [
        "by 3/15", "by 15.3.", "by 15-03-2026", "by 2026/03/15", "by 20260315", "by the 15th", "by the fifteenth", "by March 15th", "by Mar 15",
        "by 15 Mar", "by Mar. 15", "by Fri", "by Fri.", "by friday", "by Tues", "by EOD", "by COB", "by end of business", "by noon",
        "by midnight", "by 5pm", "by 17:00", "by five o'clock", "in a week", "in a fortnight", "within the hour", "by tonight", "by tomorrow",
        "by month-end", "by EOM", "next Monday", "by Christmas", "antes del 15 de marzo", "el viernes", "el 15/03", "el quince", "mañana mismo",
        "a fin de mes", "en una semana", "en quince días", "antes del mediodía", "el próximo lunes", "by F r i d a y", "by Fr1day",
        "by \u200bFri\u200bday", "by mid-March", "in early-March", "before the weekend", "by this weekend",
    ],
    "link": [
        "hxxp://evil.example", "hxxps://evil.example/pay", "h t t p : / / evil . com", "example[.]com", "example(.)com", "example{.}com",
        "example[dot]com", "example (dot) com", "example dot com", "example d0t com", "evil.com", "evil.co.uk/pay", "EVIL.COM", "evil．com",
        "evil。com", "evil․com", "еvil.com", "xn--80ak6aa92e.com", "//evil.com", "www evil com", "www[.]evil[.]com", "bit.ly/x", "bit ly/x",
        "t.me/pay", "wa.me/1555", "evil.com:8080", "ftp://evil", "mailto:a@b.example", "a@b.example", "a (at) b.example", "a at b dot com",
        "a[at]b[.]com", "evil punto com", "evil.xyz", "evil.shop/pay", "192.168.0.1", "http://3232235521", "evil dot shop", "evil dot xyz", "evil punto shop",  "@payhandle", "evil,com", "evil .com",
        "javascript:alert", "data:text/html,x", "pay.example.evil.com", "https://pay.example/i/1042.evil.com", "tel:+15550100",
    ],
    "phone": [
        "call 202.555.0199", "call (202)555-0199", "call 202 555 0199", "call +1-202-555-0199", "call 2025550199", "call 202·555·0199",
        "call two oh two five five five", "call 2O2-555-O199", "call 1-800-FLOWERS", "call 1-800-PAY-NOW", "call ٢٠٢٥٥٥٠١٩٩", "call 202\u200b5550199",
        "call 555-01 99", "call five five five oh one nine nine", "text 22395", "extension 44", "llame al 202 555 0199", "ext. 4",
    ],
    "number": [
        "invoice INV-1042", "invoice 1043", "invoice 10 42 0", "invoice #9", "factura 1043", "invoice number one thousand", "invoice 1O42",
        "case AB-77", "reference X9Z", "invoice No. 7", "inv 1043",
    ],
}  # fmt: skip

# Wording that is denied, hidden in every way that we know of: (rule, text).
DENIED = [
    ("arrest", "you will be ar rested"), ("arrest", "a-r-r-e-s-t"), ("arrest", "a.r.r.e.s.t.e.d"), ("arrest", "a_r_r_e_s_t"), ("arrest", "ARR EST"),
    ("arrest", "arr\u200dest"), ("arrest", "arr\u2060est"), ("arrest", "arr\ufeffest"), ("arrest", "ａｒｒｅｓｔ"), ("arrest", "𝐚𝐫𝐫𝐞𝐬𝐭"),
    ("arrest", "ⓐⓡⓡⓔⓢⓣ"), ("arrest", "@rrest"), ("arrest", "4rr3st"), ("arrest", "arr3st3d"), ("arrest", "a*r*r*e*s*t"), ("arrest", "a/r/r/e/s/t"),
    ("arrest", "аrrеst"), ("arrest", "αrrest"), ("arrest", "áŕŕéśţ"), ("arrest", "arrrest"), ("arrest", "j@il"), ("arrest", "ja1l"), ("arrest", "jai1"),
    ("arrest", "j.a.i.l"), ("arrest", "j-a-i-l"), ("arrest", "JA\u00adIL"), ("arrest", "pr1s0n"), ("arrest", "pol1ce"), ("arrest", "p o l i c e"),
    ("arrest", "la p0licía"), ("arrest", "POLICÍA"), ("arrest", "polici\u0301a"), ("arrest", "cárcel"), ("arrest", "c a r c e l"), ("arrest", "delincuente"),
    ("arrest", "lo van a encarcelar"), ("arrest", "le meterán preso"), ("arrest", "behind bars"), ("arrest", "locked up"), ("arrest", "lock you up"),
    ("legal", "l3gal action"), ("legal", "le gal action"), ("legal", "l e g a l"), ("legal", "l@wsuit"), ("legal", "law-suit"), ("legal", "lаwyer"),
    ("legal", "att0rney"), ("legal", "at-torney"), ("legal", "c0urt"), ("legal", "c-o-u-r-t"), ("legal", "s.u.e you"), ("legal", "take you to c o u r t"),
    ("legal", "garn1sh your pay"), ("legal", "gar nishment"), ("legal", "wage-garnishment"), ("legal", "l1en"), ("legal", "ab0gado"), ("legal", "a b o g a d o"),
    ("legal", "demanda judícial"), ("legal", "le demandaremos"), ("legal", "em bargo de bienes"), ("legal", "embargaremos su cuenta"), ("legal", "juício"),
    ("legal", "acción legál"), ("legal", "our law firm"), ("legal", "before a judge"), ("legal", "ante un juez"),
    ("urgency", "f1nal n0tice"), ("urgency", "FINAL-NOTICE"), ("urgency", "fi nal notice"), ("urgency", "l a s t chance"), ("urgency", "l@st chance"),
    ("urgency", "ACT  N0W"), ("urgency", "act-now"), ("urgency", "pay n o w or"), ("urgency", "urg3nt"), ("urgency", "u r g e n t e"), ("urgency", "últímo aviso"),
    ("urgency", "ult1mo av1so"), ("urgency", "pague h0y"), ("urgency", "before it's too late"), ("urgency", "immediat3 payment"), ("urgency", "pay asap"),
    ("shame", "sh@me on you"), ("shame", "s-h-a-m-e"), ("shame", "d3adbeat"), ("shame", "dead beat"), ("shame", "mor0so"), ("shame", "verguënza"),
    ("shame", "l1ar"), ("shame", "sin vergüenza"), ("shame", "pa thetic"),
    ("threat", "c0nsequences"), ("threat", "con-sequences"), ("threat", "we kn0w where you l1ve"), ("threat", "sabemos donde v1ve"), ("threat", "amenaza"),
    ("threat", "you'll regret it"), ("threat", "immigr@tion"), ("threat", "inmigracíon"), ("threat", "d3port"),
    ("credit_report", "cred1t score"), ("credit_report", "credit-score"), ("credit_report", "c r e d i t s c o r e"), ("credit_report", "black-list"),
    ("credit_report", "credit scores suffer"), ("credit_report", "buró de crédito"), ("credit_report", "collection agency"), ("credit_report", "send this to collections"),
    ("third_party", "your b0ss"), ("third_party", "your empl0yer"), ("third_party", "y o u r  e m p l o y e r"), ("third_party", "tell your f@mily"), ("third_party", "su jéfe"),
    ("third_party", "soc1al media"), ("third_party", "tell your neighbours"), ("third_party", "su emplead0r"),
    ("card_data", "c@rd number"), ("card_data", "card-number"), ("card_data", "your card"), ("card_data", "C V V"), ("card_data", "c.v.v"), ("card_data", "cvv2"),
    ("card_data", "s.s.n"), ("card_data", "S-S-N"), ("card_data", "soc1al security"), ("card_data", "número de tárjeta"), ("card_data", "numer0 de tarjeta"),
    ("card_data", "pa$$word"), ("card_data", "contraseña"), ("card_data", "routing-number"),
    ("payee", "g1ft card"), ("payee", "gift-cards"), ("payee", "b1tcoin"), ("payee", "b i t c o i n"), ("payee", "western-union"), ("payee", "z3lle"), ("payee", "ven mo"),
    ("payee", "tarjetas de regal0"),
    ("invented_charge", "late-fee"), ("invented_charge", "l@te fee"), ("invented_charge", "lat3 f33"), ("invented_charge", "interést will accrue"), ("invented_charge", "pen@lty"),
    ("invented_charge", "intereses moratorios"), ("invented_charge", "rec argo"),
    ("impersonation", "I am hum@n"), ("impersonation", "not a b0t"), ("impersonation", "n0t a robot"), ("impersonation", "I’m a human"),
    ("impersonation", "no soy un r0bot"), ("impersonation", "soy una pers0na"), ("impersonation", "my n@me is Ana"), ("impersonation", "the I.R.S"), ("impersonation", "I R S"),
    ("settled", "paid-in-full"), ("settled", "pa1d in full"), ("settled", "deuda cancel@da"), ("settled", "consider it settled"),
    ("concession", "d1scount"), ("concession", "dis count"), ("concession", "d i s c o u n t"), ("concession", "descuent0"), ("concession", "des cuento"), ("concession", "w@ive"),
    ("concession", "wa ive it"), ("concession", "write-off"), ("concession", "wr1te it off"), ("concession", "for giveness"), ("concession", "we forgive it"),
    ("arrest", "poIice"), ("arrest", "the poIlce"), ("legal", "a Iawsuit"), ("arrest", "carceI"), ("arrest", "ᴀʀʀᴇsᴛ"), ("arrest", "ɑrrest"), ("arrest", "јаіӏ"),
    ("arrest", "ᎫᎪᏆᏞ"), ("arrest", "ᎫᎪᎥᏞ"), ("arrest", "🅹🅰🅸🅻"), ("arrest", "🇯🇦🇮🇱"), ("arrest", "ꭺrrest"), ("arrest", "ja-il"), ("arrest", "ja il"), ("arrest", "j ail"),
    ("legal", "we will su e you"), ("arrest", "irá a prisión"), ("legal", "vamos a demandar"), ("legal", "te demandamos"), ("third_party", "llamaremos a tu jefe"),
    ("third_party", "contaremos a su familia"), ("third_party", "diremos todo a su familia"), ("card_data", "send us your account number"),
    ("invented_charge", "a service charge applies"), ("third_party", "your wife will know"), ("legal", "Ꮮawyer"), ("legal", "ławyer"),
    ("concession", "condonación"), ("concession", "la mitád"), ("concession", "h@lf off"), ("concession", "reb aja"), ("concession", "settle-ment"),
]  # fmt: skip

HARMLESS = [
    "Thank you for getting back to us.", "We received your message.", "A colleague will call you back.", "You can reply to this message.",
    "Please let us know if something is unclear.", "We are happy to help.", "The invoice is attached.", "Your technician was glad to help.",
    "We repaired the furnace.", "The courtyard drains are clear.", "The heating works again.", "Our office is closed on public holidays.",
    "We opened a new branch.", "Let us know which way of paying suits you.", "You can pay by card on the page behind the link.", "You can pay by bank transfer or by cheque.",
    "Please tell us when you paid and how.", "We look for your payment.", "Our records do not show a payment yet.", "It may take a little longer by mail.",
    "We note your preference.", "We will write by e-mail from here on.", "We will not write by text message.", "Reply STOP to opt out.",
    "You wrote that something was wrong with the work.", "A member of our team looks into it.", "We have paused the reminders.", "Nothing else is needed from you.",
    "We are sorry for your loss.", "We are sorry to hear that.", "Take the time you need.", "There is no hurry.", "Whenever you are ready.", "We value your business.",
    "Could you confirm the job address with the office?", "The part is on order.", "The warranty covers the compressor.", "The crew left the site tidy.",
    "We can go through the invoice together.", "Would it help to pay in parts?", "You may propose a plan that suits you.", "Which day suits you?", "Tell us which day works for you.",
    "Many thanks.", "All the best.", "Kind regards.", "Hello again.", "Good morning.", "Good afternoon.", "You are welcome.", "We appreciate it.",
    "This is an automated assistant.", "I am an automated assistant and cannot see photos.", "A person will read this.", "You can ask for a person at any time.",
    "The balance is {{balance}}.", "It is about {{invoice_list}}.", "Invoice {{invoice.number}} was due on {{invoice.due_date}}.", "It is {{days_past_due}} overdue.",
    "Here is the link: {{payment_link}}.", "{{balance}} is open on {{invoice_list}}.", "Hello {{customer.first_name}}, it is {{company}}.", "You said {{promise.amount}} on {{promise.date}}.",
    "We sent a copy of the invoice.", "Please check the spelling of your address with us.", "The total includes tax.", "Parts and labour are listed on the invoice.",
    "The issue is resolved on our side.", "The tissue filter was replaced.", "Please pursue it with the office.", "The ensuing work is planned.", "We restored the water pressure.",
    "The restaurant kitchen is done.", "Interesting question, we will check.", "The charge for the visit is on the invoice.", "The discounter next door called too.",
    "We measured the flow.", "The caretaker has the keys.", "The employee entrance was locked.", "The pipeline is insulated.", "The shampoo dispenser is fixed.", "Our van is blue.",
    "We believe the leak is gone.", "The client lounge is warm.", "A clean roof", "The alien landscape mural is lovely.",
    "Someone will get in touch.", "No one is at fault.", "One of our team knows more.", "Once we know, we tell you.", "We may be late to answer.", "Perhaps it may help.", "They march on.",
    "It is a second-hand unit.", "Secondly, the filter.", "For the third time, thank you.", "Both units work.", "Several rooms are done.",
    "Gracias por su mensaje.", "Recibimos su mensaje.", "Una persona de nuestro equipo le responderá.", "Puede responder a este mensaje.", "Le enviamos una copia de la factura.",
    "Puede pagar en la página del enlace.", "Díganos qué fecha le conviene.", "¿Qué día le conviene?", "Lamentamos su pérdida.", "No hay prisa.", "Tómese el tiempo que necesite.",
    "Soy un asistente automatizado.", "Una persona lo revisará.", "Hemos detenido los recordatorios.", "Buenos días.", "Buenas tardes.", "Un saludo cordial.", "Muchas gracias.",
    "La cuenta muestra {{balance}}.", "La factura {{invoice.number}} venció el {{invoice.due_date}}.", "Sin embargo, seguimos a su disposición.", "El técnico reparó la caldera.",
    "La garantía cubre la pieza.", "Puede pedir hablar con una persona.", "Responda STOP para no recibir más mensajes.", "Perdón por la molestia.", "Con mucho gusto.",
    "¿Le ayudaría pagar en partes?", "Avísenos cuando haya pagado.", "Todavía no vemos su pago.", "La oficina le atiende por la mañana.",
]  # fmt: skip

# Honest sentences that are refused all the same: a word of theirs is too grave to pass anywhere. They wait for no rule.
REFUSED_ALL_THE_SAME = [
    ("legal", "The court yard drains are clear."), ("legal", "A lien-free roof"), ("legal", "You play on the tennis court."),
]  # fmt: skip
