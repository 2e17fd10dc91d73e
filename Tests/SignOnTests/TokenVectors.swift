/// Keys, and tokens signed with them by the openssl command.
enum TokenVectors {
    static let keys = """
        {"keys": [{"kty": "RSA", "kid": "rsa", "use": "sig", "n": "s7qyrSEU4nrvPAWr1UmQufE-v8qNo-2bJv9UPRmUKWJElAWJtfnk5iS79B_-b92-oqWGs-ivPKT62WkewY3GONPRlBvLVdHltUDdIL50FVZphIz4T3mQDtHbkz8M4guSYo0G6Dxbw7Zuu4R0ONoC2JIv3_nxADnGyMAZoV6Q-WvVA350r_ItczJgCOucMWE3ikyf820j24j5x6dTsRjq5HwVpuRfosHrdmnvxXc5sqLqz0fkVpmoZ4Ge819rdTubiXShPBmnVjxb22qL-jslJ1ZHV8qg2-4tOxrQ30bB0CmwaQkvwMKO0urAxfw2cLmezrH8-pUOILGAB-w1ckVQaQ", "e": "AQAB"},
        {"kty": "EC", "kid": "p256", "crv": "P-256", "x": "NnVUa4Kq6A9bhLYDCd6Gb7rxgv0CQHz2mcxuze7izzU", "y": "ypFpdeHRduqvb4BgRExWfmZjIHiZUPPyRkItLgcC2gY"},
        {"kty": "EC", "kid": "p384", "crv": "P-384", "x": "PS9huw54ara4NM4SeGkoc-S3HYopcXSxcpRfflDOxd5G2n1iic1242xRRUAKPXNZ", "y": "CRFzqhBM2Cm0-JUR59HChQd-bBwQOSW_ZuAytYJdW5vvEkjzE90CbSKUp7fBQYSZ"},
        {"kty": "EC", "kid": "p521", "crv": "P-521", "x": "Ad9zdoJetg62DhLD9ET_yitLt4L-g0CEA95T0VYJiaq_AQGPhRgIslzAxk4RHdO-0jovvLpnBElgmrC1xn8E5N40", "y": "Adc61LeT20catVT9ubzgoSH_P0AuH0SlvCaYYMuCibWKzbmU5iuabnkuGvpZLeXFtn5dZg5izS-nVMsupYEU1zJ8"},
        {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "JF39g3GoEcrct5NmgJqzCWEAbeam3i2QT-aqreVL3So"}]}
        """
    static let smallKey = """
        {"keys": [{"kty": "RSA", "kid": "small", "use": "sig", "n": "wH8Ejo80_qSI7HDh7FfbAkQIiI60I_7L45FpbvsW1Bm_N0O-fB-1uWcWuhgyp58Sh1aLzZU6nCgWzFAFlkpfr04nu295YjKI9rWMTFLdLhEhvN0DxkcZlfmUTUlwX9TIa7WMAyOTu4CO7kYJ3JrJ_l2iLSx8PnqaW1SkuGlA4Q8", "e": "AQAB"}]}
        """
    static let smallToken =
        "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInNtYWxsIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdWIiOiAiYWRhIiwgIm"
        + "F1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYiOiAxNzAwMDAwMDAw"
        + "LCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZXMiOiBbImEiLCAiYi"
        + "JdfSwgImFkbWluIjogdHJ1ZX0.MmzIARiXRdqS78JK99zJpiJZO3RQadx1LJYBznsFcAcVNLZBjmNKmoT-gDccKFoMgmuyRgwesCaVZi-D-Xi-"
        + "D4vLcRvRJoaA1DQ5Kq8JgYyy6z6BOpS3DCfwi5372-6OQJWgjylIl8-2DTscbyBWmQcZO3K8jK8_g_vn4RVZ_T8"
    static let tokens: [(algorithm: String, token: String)] = [
        (
            "RS256",
            """
            eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.l6EqxBUMKBqxEznzYRR7bjlg7o47GZGk_t02SPdolV2wqgCpz0RXWZYWH2HFBqqugSAA\
            2hfUNhB0IzjNgWmVe1Ei3QI8kSpgL3GxuTvFF98VstIr_yGkQKj8pShL3vVGpoz4mwTomglBGVWEFps0UxvUGsDp9OU6DJ-4QV_6e07-lbDjeq\
            9gjWaz0IxWM5VuOC4oAEBsnZ57WFkdoRo38okbWoQ_KMNGnqG2l65O6ANuM4e9VFx15KZrh7Lu3MOyyKQpd78ZODDXvrQ_Z5e38IkFc3xL4Qgg\
            BIWFiEMdjZnEhWMogMq7NyT6LiyyXArwP4C24TDfDSNDZVs7emyFaA
            """
        ),
        (
            "RS384",
            """
            eyJhbGciOiAiUlMzODQiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.HhihJu6Y-aos9CAtUxt8nKPu_XTWZrYLy_1sqsMoCZ7gvH-9OgqXQBpsnT1_YaoCLNqJ\
            n66u0F4V11IvWUS8zoksBFWBphFekd76T376wpqnii3qv9xFPm941_AncitCvHh7_HOMlWXSAEhTA9L62AnYds4dmAMsGAb1AEMyCGHkQWkyb_\
            6fYuB1BBxgwbMef0ygVTxsP3FluS6CSgg1dHkxTJxKuO6VATVuMLL_ZfFFLwSnwdUgmoqdx_kVdLvG8agm1b38XwOhTMGGbOLgeXokJTOA1kO5\
            jjuqBoio_I-3LkCxQgUUkl1_OXLEGZK71jKBTVh3njM_1Bf2jJc-lw
            """
        ),
        (
            "RS512",
            """
            eyJhbGciOiAiUlM1MTIiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.IICVsNr8ZgM_0KxZx5IOmqfxgkD_fm0Ah_o15TQFRJ-Qz17t3i3M-xZOmJKu5ZiReI3q\
            O8PmZT0sF3FqkErGIiDx4ZkEvIlL5G9RAQ3ZTsyvADZt73EngZ6wr99q-E7HOs6cLlAs2zyRTfvksV5tXFxuWYDBRxWEfTloT3HIcsm8vgHa38\
            Kl4xaKPZ7lXrhRN03Vb0Gs3atoEXKtPcHO_Y12YYBzstyDqAFiRTu8Dd5DmGLm-4J228S8slwPXei2jZ_fcXBzjtP1FSejDfWmS1qlcmOYkhgR\
            sfLo2tWnS0b7yXCBHkRxA7pIHTZSKFfWahMkxoSXzWUanyq_CEv-qQ
            """
        ),
        (
            "PS256",
            """
            eyJhbGciOiAiUFMyNTYiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.S7jYASKcBjMU__MG6feu09YFUvWUlhHPXYYHpQ-IicpZBgmvMyneMKOXT6jCS6hPBqNj\
            oBzyO_Lk5A10CtUlID-kr0VYFolP6_xH9oO8VoflmBh15_UXsJG7s4ev40G6-CjDHjJL0yuUis4P1GbklMJBWZan77wDKdf7337bdfzRYN7Tak\
            Ojy4SBjkNiGyw3t8naVS6P1Tn3Bg7C7zHFHjYcpJ2ZkIgQ9gx9miiuTwXJu5eTvm8M_bAu_14nczVfGt-Swsv3XqajHoCzYs0s1ystWKXzNBeL\
            zXGjTvVeEFHq_3Euf7Lva1JhDou4lGoRfD3zpg_cDyrMfrBFWV3w1g
            """
        ),
        (
            "PS384",
            """
            eyJhbGciOiAiUFMzODQiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.CO32DlpUUV2i1dcb2xf4Ktm4VusaVEVSv6j33lM_h8GLLiGv_ALCdteT01_9FI-4N7WY\
            XzXa99BtVhs1vjn7nQXB1vWorH1oNhU1pKCPXK1-WlyS4COf_MD2LheXJ7QQVB5QKXDVihzVJ1w_blkJ1ki7NxU5ngS5Lauc705Y_TTiEoY0kA\
            -RLTVddmy1w1w4VntIm82L3RzNtDJO67okeqOLOmXkZF2Pa6CPrQNocFpTbldaQN_Pw5LesFnRuttbJBv7_EBeX_Y4Okn_Rrr4Yj9rG5-PO-pj\
            bAtBm5Bt0abdaZ5tqSS5irDZ93vqRvMtZrCH3RJGq7d54QDmC-HGbg
            """
        ),
        (
            "PS512",
            """
            eyJhbGciOiAiUFM1MTIiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdW\
            IiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYi\
            OiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZX\
            MiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.BkeLsjc25bXq0NecjuENdvAIsXl6txIccqP3r8_OcxMi4ooNsclHE0-ORRG-fKo2ps-_\
            nlyL43qI9fq9bIgsJpaMRqV1W2VYtNje4eKXZSr5hyZGRoI-UAhtmqiDO0pUNjpKEBeUCCXeNf2NquXCmHYMIGrRbjv75hsEq2BLgr8Q5T9iau\
            JpZVgHMOitTIiMySEF-xsrSJYzsLkRHTceSrgyKaGjhOU15s8Gb6Swqeme3710b7_XlQfHVLzFyUvR2v6Biqd24IgEeOdoaakqLP2R66SHkGLX\
            iC38Jk_8Ops_i_Jj9RHiCtJDV-Ldyijb3Z3sV_dztH4bNjM3itiYZQ
            """
        ),
        (
            "ES256",
            """
            eyJhbGciOiAiRVMyNTYiLCAia2lkIjogInAyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzd\
            WIiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmY\
            iOiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZ\
            XMiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.9WmUzHv_N0xSjU24cKunp_q34grePGFhTkLSelLfLQSBEZZEjTJtLdJhyX9xubEDOlC\
            nztMNgAtmtny7JfQPgQ
            """
        ),
        (
            "ES384",
            """
            eyJhbGciOiAiRVMzODQiLCAia2lkIjogInAzODQiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzd\
            WIiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmY\
            iOiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZ\
            XMiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.41kP02T_16gQFeHCkE0Ki96HMYYwGw2D2j6CAFZ0G8vXzlbT7EInkCpBSTUGdGdRvJO\
            0KK4GfGm2MQ7Yr1qzjF1k5oHeutXepSDRIl-synzLr_RRf4Blw_1pi58NRhFZ
            """
        ),
        (
            "ES512",
            """
            eyJhbGciOiAiRVM1MTIiLCAia2lkIjogInA1MjEiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzd\
            WIiOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmY\
            iOiAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZ\
            XMiOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.AE8dM2uC53g9MNNmYrm9ph-UeG6JRXhZpBhqSVroPlrcRozjm2Q3S5dfd42_78Nkggw\
            -7ATXSOXs-GXMFJRW1C70Ac-Ta85zebbIu4YL2e1g5iB1ujjAKJJMesnec4jSFWS6K6b5m2gywYZhPkXRaHYiOIyHhwBpGV0DAYVjZ-uAyusw
            """
        ),
        (
            "EdDSA",
            """
            eyJhbGciOiAiRWREU0EiLCAia2lkIjogImVkIiwgInR5cCI6ICJKV1QifQ.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlLmNvbSIsICJzdWI\
            iOiAiYWRhIiwgImF1ZCI6IFsibWFydGxldCIsICJvdGhlciJdLCAiZXhwIjogMjAwMDAwMDAwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJuYmYiO\
            iAxNzAwMDAwMDAwLCAiYXpwIjogImFwcCIsICJwb2xpY3kiOiAicmVhZG9ubHksd3JpdGVvbmx5IiwgInJlYWxtX2FjY2VzcyI6IHsicm9sZXM\
            iOiBbImEiLCAiYiJdfSwgImFkbWluIjogdHJ1ZX0.-N8JDCQPlC2mezifAQzbmZ2ENjIEOdUUL56iYRGVlxFdjz6Arjxrmvf7B2grI-yU_FkyW\
            DmHESYNfsn0HlC3Bw
            """
        ),
    ]
}
