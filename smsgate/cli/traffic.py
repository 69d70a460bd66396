"""Sample traffic for the demo: what an SMSC sees in an afternoon, scams and genuine messages mixed.

Every text is invented; numbers are from ranges that nobody is given (01 99 00, 06 39 98), sites end in .example
unless they are the real official ones. The shipped packs must stop each scam and pass all the rest, and
`tests/test_rules_packs.py` holds them to it. Nothing here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import Final


@dataclass(frozen=True, slots=True)
class Sample:
    """One message: its text, its sender as the handset shows it, and whether it is a scam."""

    text: str
    sender: str
    scam: bool


# One message a line: sender | text.
_SCAMS: Final = """
# The training account: rights that expire, a balance to convert, a free course, a gift
33639981204 | CPF : vos 1 960 euros expirent vendredi. Réclamez votre formation : https://mes-acquis.example/r
33639981205 | Dernier rappel, votre solde D.I.F sera perdu le 30/06, convertissez-le https://t.example/9dK
InfoDroits  | Votre Compte Personnel de Formation a été crédité. Consultez le montant : https://titulaires.example
33639981206 | C-P-F : il vous reste 24h pour récupérer vos heures, cliquez ici https://heures.example/c
33639981207 | Bénéficiez d'une formation d'anglais et d'une tablette offerte avec votre CPF https://langue.example
36999       | MON COMPTE FORMATION Connexion inhabituelle. Vérifiez votre identité : https://acces-titulaire.example
33639981208 | Votre budget formation a été actualisé, découvrez-le et réclamez un cours financé https://b.example
33639981209 | Votre espace titulaire est ouvert : https://mon-compte-formation-gouv.example/espace
33639981210 | URGENT vos droits C. P. F. seront supprimés ce soir, faites valoir votre solde avant minuit
33639981211 | Il vous reste 1 500 euros CPF à utiliser avant le 31/12, appelez le 01 99 00 41 41
# The same, in letters that only look like the Latin ones, or with some that do not show
33639981212 | Votre ѕоlde СРF expire demain, consultez vos drоits : https://solde.example/a
33639981213 | Ｖｏｓ　ｄｒｏｉｔｓ　ＣＰＦ　expirent, récupérez-les sur https://droits.example
# The health insurance: a card to renew, a refund that waits, rights to be suspended
AMELI       | Votre carte Vitale arrive à expiration. Formulaire de renouvellement : https://mes-soins.example/v
33639981214 | Assurance Maladie : la nouvelle carte vitale vous attend, validez son envoi https://commande.example
CPAM        | Votre dossier est incomplet, mettez à jour vos informations : https://dossier-4471.example
33639981215 | Ameli : un remboursement de 312,40 € est en attente, remplissez le formulaire https://f.example/3
33639981216 | AMÉLI : dernière relance avant suspension de vos droits https://ameli-assure.example/login
33639981217 | Carte Vitale expédiée. Frais de port de 0,99 € à régler sous 48h : https://suivi-verte.example
33639981218 | Votre carte vitale sera désactivée le 15/04. Pour la garder, remplissez sans attendre le formulaire :
33639981219 | L'Аѕѕurаnсе Маlаdiе vous rembourse 189 euros, confirmez votre RIB : https://rib.example/am
33639981220 | Votre c\u200barte vi\u200btale est dés\u200bactivée, réactivez-la : https://carte.example/r
"""

_GENUINE: Final = """
# One-time passwords and banks
Banque      | 482913 est votre code de confirmation pour un paiement de 64,90 EUR. Ne le communiquez à personne.
Google      | G-503118 est votre code de validation Google.
FranceConn  | FranceConnect : votre code est 771204. Il expire dans 10 minutes.
ameli       | Votre code de sécurité pour accéder à votre compte ameli est 390 512. Il est valable 15 minutes.
MonCompte   | Mon Compte Formation : votre code de connexion est 118 204. Il expire dans 10 minutes.
Banque      | Alerte solde : votre compte est débiteur de 34,12 EUR au 14/03. Pensez à l'alimenter.
Banque      | Votre nouvelle carte bancaire est disponible en agence dès demain. Munissez-vous d'une pièce d'identité.
# Parcels and shops
Colissimo   | Votre colis sera livré aujourd'hui entre 10h et 13h. Suivi : https://www.laposte.fr/suivi
Chronopost  | Colis 7731 déposé en point relais, à retirer avant le 22/03 avec une pièce d'identité.
36180       | Jardinerie du Lac : -20 % sur les rosiers jusqu'à dimanche. STOP au 36180
OptiqueLac  | Il est temps de renouveler vos lunettes : venez avec votre carte Vitale. https://optique-lac.example
Drive       | Votre commande est prête. Retrait jusqu'à 20h, quai 4.
# Doctors, laboratories, hospitals, pharmacies
Doctolib    | Rappel : RDV demain 9h15 avec le Dr Petit. Pensez à votre carte Vitale. https://www.doctolib.fr
DrMorel     | Cabinet du Dr Morel : RDV le 12/04 à 14h. Apportez carte Vitale et mutuelle. https://rdv.example/m
LaboBio     | Vos résultats d'analyses sont disponibles : https://labo-bio.example, code 8841.
CHU         | Admission le 3/05 à 7h : complétez votre dossier https://chu.example et prévoyez votre carte Vitale à jour.
Pharmacie   | Pharmacie du Lac : votre ordonnance est prête. Mettez à jour votre carte Vitale à notre borne.
CentreVac   | Votre vaccination est confirmée le 8/11 à 10h. Carte Vitale obligatoire.
# Justice and administration
Justice     | Vous êtes convoqué le 12/06 à 14h au SPIP, 3 rue de la Paix. https://mon-suivi-justice.beta.gouv.fr
Justice     | RAPPEL : convocation devant le tribunal le 9/09 à 9h. En cas d'empêchement : 01 99 00 12 00
Impots      | Votre avis d'impôt est disponible dans votre espace sur https://www.impots.gouv.fr
CAF         | Vos droits ont été actualisés. Consultez votre espace Mon Compte sur https://www.caf.fr
Mairie      | Cantine : complétez le dossier (attestation CPAM à joindre) avant le 30/06 https://famille.example
# The Assurance Maladie itself
ameli       | Assurance Maladie : votre remboursement de 26,50 euros a été versé. Détail sur votre compte ameli.
ameli       | Nouveau message dans votre compte. Connectez-vous sur https://assure.ameli.fr
ameli       | Grippe : vaccinez-vous sans attendre. Prenez rendez-vous chez votre pharmacien. https://www.ameli.fr
CPAM        | CPAM : votre arrêt de travail a été enregistré. Pour toute question : 3646, service gratuit.
CPAM        | Votre nouvelle carte Vitale a été envoyée. Suivez-la dans votre compte ameli.
ameli       | Attention aux faux SMS : votre carte Vitale n'expire jamais, ne cliquez sur aucun lien. Infos : 3646
Mutuelle    | Votre mutuelle a complété le remboursement de l'Assurance Maladie : https://mutuelle-loire.example
# Training: the official account, a training centre, an employer
MCF         | Vos droits 2025 sont crédités. Consultez votre solde sur https://www.moncompteformation.gouv.fr
MCF         | Mon Compte Formation : votre demande expire dans 3 jours, validez-la dans l'application.
GRETA       | Votre formation financée par le CPF débute le 12/03 à 9h. Accès : https://greta-lac.example/plan
RH          | Entretiens annuels du 3 au 14 mars : nous ferons le point sur votre CPF et vos souhaits de formation.
# People
33639980011 | tu as pensé à ton CPF ? il te reste des heures
33639980012 | maman j'ai perdu ma carte vitale, tu sais comment on fait pour en avoir une nouvelle ?
33639980013 | la sécu m'a remboursé 23 euros, enfin !
33639980014 | Salut, on se retrouve à 19h devant le ciné ? J'ai pris les places
33639980015 | Regarde ce gîte, j'adore https://gite-des-pins.example/photos tu valides ?
33639980016 | je finis ma formation vendredi, après c'est vacances, bisous
33639980017 | c'est gratuit jusqu'à quelle heure le parking ? sinon je prends le bus
"""


def _samples(lines: str, *, scam: bool) -> list[Sample]:
    parted = (line.split(" | ", 1) for line in lines.splitlines() if line and not line.startswith("#"))
    return [Sample(text, sender.strip(), scam) for sender, text in parted]


def _mixed(*kinds: list[Sample]) -> tuple[Sample, ...]:
    """Each kind in its order, all spread evenly over the whole."""
    placed = [((index + 0.5) / len(kind), sample) for kind in kinds for index, sample in enumerate(kind)]
    return tuple(sample for _, sample in sorted(placed, key=itemgetter(0)))


SAMPLES: Final = _mixed(_samples(_SCAMS, scam=True), _samples(_GENUINE, scam=False))
"""In the order in which the demo replays them."""
