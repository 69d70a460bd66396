"""What is carried: texts that the shipped packs block, and texts that they must pass."""

from __future__ import annotations

from typing import Final

GREETING: Final = "Bonjour, a bientot."
"""What stands beside the text where a carrier has room for two."""

BLOCKED: Final = (
    "Vos droits CPF seront perdus le 30 juin, faites valoir votre solde ici : https://solde.example/7qP",
    "CPF : vous avez jusqu'au 15/03 pour convertir vos euros en formation",
    "Votre compte CPF vient d'être crédité. Vérifiez le montant : https://titulaires.example/v",
    "CPF : permis B gratuit, profitez-en sur https://conduite.example/cpf",
    "Vos heures de formation expirent ! Infos : https://heures.example",
    "Mise à jour de vos droits Mon Compte Formation, merci de cliquer sur le lien ci-dessous",
    "Votre dossier est ouvert : https://mon-compte-formation-gouv.example/espace",
    "AMELI : dernière relance avant suspension de vos droits https://ameli-assure.example/login",
    "Votre carte vitale sera désactivée le 15/04. Pour la garder, remplissez sans attendre le formulaire :",
    "CPAM : connexion inhabituelle à votre compte https://alerte-44.example",
    "Carte Vitale expédiée. Frais de port de 0,99 € à régler sous 48h : https://suivi-verte.example",
    "Assurance Maladie : un remboursement de 312,40 € est en attente, remplissez le formulaire https://f.example/3",
)

CLEAN: Final = (
    "482913 est votre code de confirmation pour un paiement de 64,90 EUR. Ne le communiquez à personne.",
    "FranceConnect : votre code est 771204. Il expire dans 10 minutes.",
    "Mon Compte Formation : votre code de connexion est 118 204. Il expire dans 10 minutes.",
    "Assurance Maladie : votre remboursement de 26,50 euros a été versé. Détail sur votre compte ameli.",
    "Nouveau message dans votre compte. Connectez-vous sur https://assure.ameli.fr",
    "Votre colis sera livré aujourd'hui entre 10h et 13h. Suivi : https://www.laposte.fr/suivi",
    "Rappel : RDV demain 9h15 avec le Dr Petit. Pensez à votre carte Vitale. https://www.doctolib.fr",
    "Vos droits 2025 sont crédités. Consultez votre solde sur https://www.moncompteformation.gouv.fr",
    "tu as pensé à ton CPF ? il te reste des heures",
    "Votre formation financée par le CPF débute le 12/03 à 9h. Accès : https://greta-lac.example/plan",
    "Alerte solde : votre compte est débiteur de 34,12 € au 14/03 [réf. {A-7}]. Pensez à l'alimenter.",
    "on se retrouve a 19h devant le cine ? j'ai pris les places",
)
