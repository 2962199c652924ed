"""Who can help, by when: questions and risk signals become referrals to the services of partners."""
