/// The answers that AWS documents ("IAM JSON policy elements", "Condition operators", "Policy evaluation logic"), as tables: each line
/// begins with what a policy says, and goes on with requests and whether the policy applies to them (y or n).
enum PolicyCases {
    /// Operator, values of the policy in JSON; then values of the request's key: JSON, a list of it, or `-` when it has no such key.
    static let conditions = #"""
        StringEquals "a" | "a" y | "b" n | "A" n | "" n | "aa" n | - n | [] n
        StringEquals "" | "" y | "a" n | - n
        StringEquals ["a","b"] | "a" y | "b" y | "c" n | - n
        StringEquals "a*" | "a*" y | "ab" n
        StringEquals "a?" | "a?" y | "ab" n
        StringEquals "${*}" | "*" y | "x" n
        StringEquals "${aws:username}" | "alice" y | "Alice" n | "${aws:username}" n
        StringEquals "${aws:none}" | "alice" n | "" n | - n
        StringEquals "${aws:none, 'dflt'}" | "dflt" y | "alice" n
        StringEquals "${aws:username, 'dflt'}" | "alice" y | "dflt" n
        StringEquals "x-${aws:username}-y" | "x-alice-y" y | "x--y" n | "x-${aws:username}-y" n
        StringEquals "${AWS:UserName}" | "alice" y
        StringEquals "${aws:many}" | "one" n | "two" n
        StringEquals "é" | "é" y | "e" n | "É" n
        StringEquals [] | "a" n | - n
        StringEquals 5 | "5" y | "5.0" n
        StringEquals true | "true" y | "TRUE" n
        stringequals "a" | "a" y | "b" n
        STRINGEQUALS "a" | "a" y | "b" n
        StringEqualsIfExists "a" | "a" y | "b" n | - y | [] y
        StringEqualsIfExists ["a","b"] | "b" y | "c" n | - y
        StringNotEquals "a" | "a" n | "b" y | "A" y | - y | "" y
        StringNotEquals ["a","b"] | "a" n | "b" n | "c" y | - y
        StringNotEquals "${aws:username}" | "alice" n | "bob" y
        StringNotEquals "${aws:none}" | "alice" y | - y
        StringNotEquals [] | "a" y | - y
        StringNotEqualsIfExists "a" | "a" n | "b" y | - y
        StringEqualsIgnoreCase "AbC" | "abc" y | "ABC" y | "abcd" n | - n
        StringEqualsIgnoreCase "${aws:username}" | "ALICE" y | "bob" n
        StringEqualsIgnoreCase "a*" | "A*" y | "AB" n
        StringEqualsIgnoreCaseIfExists "AbC" | "abc" y | "x" n | - y
        StringNotEqualsIgnoreCase "AbC" | "abc" n | "x" y | - y
        StringNotEqualsIgnoreCaseIfExists "AbC" | "ABC" n | "x" y | - y
        StringLike "a*" | "a" y | "ab" y | "abc" y | "ba" n | "A" n | - n
        StringLike "*a" | "a" y | "ba" y | "ab" n | "" n
        StringLike "*" | "" y | "anything" y | - n
        StringLike "a*c" | "ac" y | "abc" y | "abcc" y | "abcd" n
        StringLike "a*b*c" | "abc" y | "aXbYc" y | "acb" n | "abbc" y
        StringLike "a?c" | "abc" y | "ac" n | "abbc" n | "aéc" y
        StringLike "a??" | "abc" y | "ab" n | "abcd" n
        StringLike "?*" | "a" y | "ab" y | "" n
        StringLike "**" | "" y | "a" y
        StringLike "a**b" | "ab" y | "axxb" y | "a" n
        StringLike "*a*a*a" | "aaa" y | "aa" n | "xaxaxa" y | "aaab" n
        StringLike "a${*}b" | "a*b" y | "axb" n
        StringLike "a${?}b" | "a?b" y | "axb" n
        StringLike "a${$}b" | "a$b" y | "ab" n
        StringLike "home/${aws:username}/*" | "home/alice/x" y | "home/bob/x" n | "home/alice/" y | "home/alice" n
        StringLike "${aws:star}" | "*" y | "abc" n
        StringLike "${aws:none}*" | "x" n | "" n
        StringLike ["x*","*c"] | "abc" y | "xyz" y | "abd" n
        StringLikeIfExists "a*" | "ab" y | "b" n | - y
        StringNotLike "a*" | "ab" n | "b" y | - y
        StringNotLike ["a*","b*"] | "ab" n | "ba" n | "c" y
        StringNotLike "${aws:none}" | "x" y
        StringNotLikeIfExists "a*" | "ab" n | "b" y | - y
        NumericEquals 10 | "10" y | "10.0" y | "+10" y | "1e1" y | "11" n | "ten" n | "" n | " 10" n | - n
        NumericEquals "10" | "10" y | "010" y | "9" n
        NumericEquals "-5" | "-5" y | "5" n | "-5.0" y
        NumericEquals 0 | "-0" y | "0" y | "0.0" y | "1" n
        NumericEquals "0.5" | ".5" y | "0.50" y | "1" n
        NumericEquals [1,2] | "1" y | "2" y | "3" n
        NumericEquals "${aws:number}" | "7" y | "7.0" y | "8" n
        NumericEquals "${aws:username}" | "7" n
        NumericEqualsIfExists 10 | "10" y | "11" n | - y
        NumericNotEquals 10 | "10" n | "10.0" n | "11" y | - y
        NumericNotEquals [1,2] | "1" n | "3" y
        NumericNotEqualsIfExists 10 | "10" n | "11" y | - y
        NumericLessThan 10 | "9" y | "10" n | "11" n | "-100" y | "9.999" y | "x" n | - n
        NumericLessThan [5,10] | "7" y | "4" y | "10" n
        NumericLessThanIfExists 10 | "9" y | "10" n | - y
        NumericLessThanEquals 10 | "9" y | "10" y | "11" n | "10.0001" n | - n
        NumericLessThanEqualsIfExists 10 | "10" y | "11" n | - y
        NumericGreaterThan 10 | "11" y | "10" n | "9" n | "1000000000000" y | - n
        NumericGreaterThanIfExists 10 | "11" y | "10" n | - y
        NumericGreaterThanEquals 10 | "10" y | "9" n | "11" y | - n
        NumericGreaterThanEquals 9007199254740993 | "9007199254740992" n | "9007199254740993" y | "9007199254740994" y
        NumericGreaterThanEqualsIfExists 10 | "10" y | "9" n | - y
        DateEquals "2026-11-23T22:00:00Z" | "2026-11-23T22:00:00Z" y | "2026-11-23T23:00:00+01:00" y | "2026-11-23T22:00:01Z" n | "1795471200" y | - n
        DateEquals "1970-01-02" | "86400" y | "1970-01-02T00:00:00Z" y | "86401" n | "9007199254740992" n
        DateEquals 86400 | "1970-01-02" y | "1970-01-02T00:00Z" y | "1970-01-01" n
        DateEqualsIfExists "1970-01-02" | "86400" y | "86401" n | - y
        DateNotEquals "1970-01-02" | "86401" y | "86400" n | - y
        DateNotEqualsIfExists "1970-01-02" | "86401" y | "86400" n | - y
        DateLessThan "2026-11-23T22:00:00Z" | "2026-11-23T21:59:59Z" y | "2026-11-23T22:00:00Z" n | "2026-11-23T22:00:01Z" n | "2025-12-31" y | "soon" n | "2026-02-30" n | - n
        DateLessThan "2024-03-01" | "2024-02-29T23:59:59Z" y | "2024-03-01" n
        DateLessThan "2023-03-01" | "2023-02-28T23:59:59Z" y
        DateLessThanIfExists "2026-11-23T22:00:00Z" | "2026-11-23T21:00:00Z" y | "2027-01-01" n | - y
        DateLessThanEquals "2026-11-23T22:00:00Z" | "2026-11-23T22:00:00Z" y | "2026-11-23T22:00:00.5Z" n | - n
        DateLessThanEqualsIfExists "2026-11-23T22:00:00Z" | "2026-11-23T22:00:00Z" y | "2026-11-24" n | - y
        DateGreaterThan "2026-11-23T22:00:00Z" | "2026-11-23T22:00:01Z" y | "2026-11-23T22:00:00Z" n | "2026-11-23T22:30:00+01:00" n | "2026-11-23T21:30:00-01:00" y | - n
        DateGreaterThanIfExists "2026-11-23T22:00:00Z" | "2026-11-24" y | "2026-11-22" n | - y
        DateGreaterThanEquals "20240229T000000Z" | "2024-02-29T00:00:00Z" y | "2024-02-28T23:59:59Z" n | - n
        DateGreaterThanEqualsIfExists "2024-02-29" | "2024-02-29" y | "2024-02-28" n | - y
        Bool "true" | "true" y | "TRUE" y | "false" n | "yes" n | "1" n | - n
        Bool true | "true" y | "false" n
        Bool "false" | "false" y | "FALSE" y | "true" n | - n
        Bool ["true","false"] | "true" y | "false" y | "x" n
        BoolIfExists "true" | "true" y | "false" n | - y
        BoolIfExists "false" | "false" y | "true" n | - y
        BinaryEquals "QUI=" | "QUI=" y | "QUE=" n | "?" n | - n
        BinaryEquals ["QUI=","QUE="] | "QUE=" y | "QUM=" n
        BinaryEqualsIfExists "QUI=" | "QUI=" y | "QUE=" n | - y
        IpAddress "192.0.2.0/24" | "192.0.2.0" y | "192.0.2.77" y | "192.0.2.255" y | "192.0.3.0" n | "192.0.1.255" n | "192.0.2.0/25" n | "x" n | "" n | - n
        IpAddress "192.0.2.1" | "192.0.2.1" y | "192.0.2.2" n | "::ffff:192.0.2.1" y | "::ffff:c000:201" y
        IpAddress "192.0.2.1/32" | "192.0.2.1" y | "192.0.2.0" n
        IpAddress "192.0.2.130/25" | "192.0.2.200" y | "192.0.2.100" n
        IpAddress "0.0.0.0/0" | "1.2.3.4" y | "255.255.255.255" y | "::1" n
        IpAddress "10.0.0.0/8" | "10.255.0.1" y | "11.0.0.1" n
        IpAddress "10.0.0.0/9" | "10.127.255.255" y | "10.128.0.0" n
        IpAddress "2001:db8::/32" | "2001:db8:1::5" y | "2001:DB8::1" y | "2001:db9::1" n | "192.0.2.1" n
        IpAddress "2001:db8:1234:5678::/64" | "2001:db8:1234:5678::1" y | "2001:0db8:1234:5678:ffff::" y | "2001:db8:1234:5679::1" n
        IpAddress "::1" | "::1" y | "0:0:0:0:0:0:0:1" y | "::2" n
        IpAddress "::/0" | "::1" y | "2001:db8::1" y | "1.2.3.4" n
        IpAddress ["10.0.0.0/8","::1/128"] | "::1" y | "10.1.1.1" y | "11.1.1.1" n
        IpAddressIfExists "10.0.0.0/8" | "10.1.1.1" y | "11.1.1.1" n | - y
        NotIpAddress "192.0.2.0/24" | "192.0.2.77" n | "10.1.1.1" y | "::1" y | - y
        NotIpAddress ["10.0.0.0/8","192.0.2.0/24"] | "10.1.1.1" n | "192.0.2.1" n | "11.1.1.1" y
        NotIpAddressIfExists "192.0.2.0/24" | "192.0.2.1" n | "10.1.1.1" y | - y
        ArnEquals "arn:aws:sns:eu:1:x" | "arn:aws:sns:eu:1:x" y | "arn:aws:sns:us:1:x" n | "arn:aws:sns:eu:1:X" n | "x" n | - n
        ArnEquals "arn:aws:sns:*:1:x" | "arn:aws:sns:eu:1:x" y | "arn:aws:sns::1:x" y | "arn:aws:sns:eu:2:x" n
        ArnEqualsIfExists "arn:aws:sns:*:1:x" | "arn:aws:sns:eu:1:x" y | "arn:aws:sns:eu:2:x" n | - y
        ArnLike "arn:aws:sns:*:1:x" | "arn:aws:sns:eu:1:x" y | "arn:aws:sns:eu:2:1:x" n
        ArnLike "arn:aws:s3:::b*" | "arn:aws:s3:::bucket" y | "arn:aws:s3:::bucket/a:b" y | "arn:aws:s3:::c" n
        ArnLike "arn:aws:iam::*:role/*" | "arn:aws:iam::1:role/x" y | "arn:aws:iam::1:role/p/x" y | "arn:aws:iam::1:user/x" n
        ArnLike "arn:aws:iam::${aws:number}:role/*" | "arn:aws:iam::7:role/x" y | "arn:aws:iam::8:role/x" n
        ArnLike "arn:aws:sns:*:${aws:number}:x" | "arn:aws:sns:eu:7:x" y | "arn:aws:sns:eu:8:7:x" n | "arn:aws:sns:eu:8:x" n
        ArnLike "arn:aws:iam::1:user/${aws:username}" | "arn:aws:iam::1:user/alice" y | "arn:aws:iam::1:user/bob" n
        ArnLike "arn:aws:s3:::b?" | "arn:aws:s3:::bb" y | "arn:aws:s3:::b" n
        ArnLikeIfExists "arn:aws:s3:::*" | "arn:aws:s3:::x" y | "arn:aws:sns:::x" n | - y
        ArnNotEquals "arn:aws:s3:::b" | "arn:aws:s3:::c" y | "arn:aws:s3:::b" n | - y
        ArnNotEqualsIfExists "arn:aws:s3:::b" | "arn:aws:s3:::c" y | "arn:aws:s3:::b" n | - y
        ArnNotLike "arn:aws:s3:::*" | "arn:aws:s3:::c" n | "arn:aws:sns:::c" y | - y
        ArnNotLikeIfExists "arn:aws:s3:::*" | "arn:aws:s3:::c" n | "arn:aws:sns:::c" y | - y
        Null "true" | - y | [] y | "x" n | "" n
        Null true | - y | "x" n
        Null "false" | - n | [] n | "x" y | ["a","b"] y
        Null false | - n | "x" y
        ForAllValues:StringEquals ["a","b"] | "a" y | ["a","b"] y | ["a","a"] y | ["a","c"] n | "c" n | - y | [] y
        ForAllValues:StringEqualsIfExists ["a"] | "a" y | ["a","c"] n | - y
        ForAllValues:StringNotEquals ["a","b"] | "c" y | ["c","d"] y | ["a","c"] n | - y
        ForAllValues:StringLike ["a*"] | ["ab","ac"] y | ["ab","b"] n | - y
        ForAllValues:StringNotLike ["a*"] | ["b","c"] y | ["ab","b"] n | - y
        ForAllValues:StringEqualsIgnoreCase ["A"] | ["a","A"] y | ["a","b"] n
        ForAllValues:NumericLessThan 10 | ["1","2"] y | ["1","11"] n | - y
        ForAllValues:DateLessThan "2026-01-01" | ["2025-01-01"] y | ["2025-01-01","2027-01-01"] n
        ForAllValues:Bool "true" | ["true"] y | ["true","false"] n | - y
        ForAllValues:IpAddress "10.0.0.0/8" | ["10.1.1.1","10.2.2.2"] y | ["10.1.1.1","11.1.1.1"] n
        ForAllValues:ArnLike "arn:aws:s3:::b*" | ["arn:aws:s3:::b1"] y | ["arn:aws:s3:::b1","arn:aws:s3:::c"] n
        ForAnyValue:StringEquals ["a","b"] | "a" y | ["x","b"] y | ["x","y"] n | - n | [] n
        ForAnyValue:StringEqualsIfExists ["a"] | "a" y | "b" n | - y
        ForAnyValue:StringNotEquals ["a"] | ["a","c"] y | "a" n | ["a","a"] n | - n
        ForAnyValue:StringLike ["x*"] | ["b","xy"] y | ["b","c"] n | - n
        ForAnyValue:StringNotLike ["x*"] | ["b","xy"] y | ["xa","xy"] n | - n
        ForAnyValue:StringEqualsIgnoreCase ["A"] | ["b","a"] y | ["b"] n
        ForAnyValue:NumericEquals 7 | ["1","7"] y | ["1","2"] n | - n
        ForAnyValue:DateGreaterThan "2026-01-01" | ["2025-01-01","2027-01-01"] y | ["2025-01-01"] n
        ForAnyValue:Bool "true" | ["false","true"] y | ["false"] n | - n
        ForAnyValue:IpAddress "10.0.0.0/8" | ["11.1.1.1","10.2.2.2"] y | ["11.1.1.1"] n
        ForAnyValue:ArnEquals "arn:aws:s3:::b" | ["arn:aws:s3:::a","arn:aws:s3:::b"] y | ["arn:aws:s3:::a"] n
        foranyvalue:stringequals ["a"] | "a" y | "b" n
        """#

    /// An element of a statement and its values in JSON; then actions or resources.
    static let selectors = #"""
        Action "s3:GetObject" | s3:GetObject y | s3:getobject y | S3:GETOBJECT y | s3:GetObjectAcl n | s3:PutObject n
        Action "s3:getobject" | s3:GetObject y | s3:GetObjectAcl n
        Action "s3:Get*" | s3:GetObject y | s3:GetBucketPolicy y | s3:PutObject n | s3:get y
        Action "s3:*" | s3:GetObject y | s3:ListBucket y | iam:GetUser n | sts:AssumeRole n
        Action "*" | s3:GetObject y | iam:GetUser y
        Action "s3:*Object" | s3:GetObject y | s3:PutObject y | s3:GetObjectAcl n
        Action "s3:?etObject" | s3:GetObject y | s3:etObject n | s3:PutObject n
        Action "s3:*Tagging" | s3:GetObjectTagging y | s3:PutBucketTagging y | s3:GetObject n
        Action ["s3:GetObject","s3:PutObject"] | s3:GetObject y | s3:PutObject y | s3:DeleteObject n
        Action "iam:*AccessKey*" | iam:CreateAccessKey y | iam:ListAccessKeys y | iam:CreateUser n
        NotAction "s3:GetObject" | s3:GetObject n | s3:getobject n | s3:PutObject y | iam:GetUser y
        NotAction ["s3:Get*","s3:List*"] | s3:GetObject n | s3:ListBucket n | s3:PutObject y
        NotAction "s3:*" | s3:GetObject n | iam:CreateUser y
        NotAction "iam:*" | s3:GetObject y | iam:CreateUser n
        Resource "arn:aws:s3:::b/k" | arn:aws:s3:::b/k y | arn:aws:s3:::b/K n | arn:aws:s3:::b n | arn:aws:s3:::b/kk n
        Resource "arn:aws:s3:::b/*" | arn:aws:s3:::b/k y | arn:aws:s3:::b/a/b/c y | arn:aws:s3:::b/ y | arn:aws:s3:::b n | arn:aws:s3:::bb/k n
        Resource "arn:aws:s3:::b*" | arn:aws:s3:::b y | arn:aws:s3:::b/k y | arn:aws:s3:::bb/k y | arn:aws:s3:::c n
        Resource "arn:aws:s3:::b" | arn:aws:s3:::b y | arn:aws:s3:::b/k n | arn:aws:s3:::B n
        Resource "*" | arn:aws:s3:::b/k y | arn:aws:iam::1:user/x y
        Resource "arn:aws:s3:::*" | arn:aws:s3:::b y | arn:aws:s3:::b/k y | arn:aws:iam::1:user/x n
        Resource "arn:aws:s3:::b/?" | arn:aws:s3:::b/k y | arn:aws:s3:::b/kk n | arn:aws:s3:::b/ n | arn:aws:s3:::b/é y
        Resource "arn:aws:s3:::b/*/x" | arn:aws:s3:::b/a/x y | arn:aws:s3:::b/a/b/x y | arn:aws:s3:::b/x n | arn:aws:s3:::b//x y
        Resource "arn:aws:s3:::b/${aws:username}/*" | arn:aws:s3:::b/alice/x y | arn:aws:s3:::b/bob/x n | arn:aws:s3:::b/Alice/x n
        Resource "arn:aws:s3:::b/${aws:none}/*" | arn:aws:s3:::b//x n | arn:aws:s3:::b/alice/x n
        Resource "arn:aws:s3:::b/${aws:none, 'public'}/*" | arn:aws:s3:::b/public/x y | arn:aws:s3:::b/alice/x n
        Resource "arn:aws:s3:::b/${aws:many}/*" | arn:aws:s3:::b/one/x n | arn:aws:s3:::b/two/x n
        Resource "arn:aws:s3:::b/${aws:star}/x" | arn:aws:s3:::b/*/x y | arn:aws:s3:::b/a/x n
        Resource "arn:aws:s3:::b/${*}" | arn:aws:s3:::b/* y | arn:aws:s3:::b/k n
        Resource "arn:aws:s3:::b/${?}" | arn:aws:s3:::b/? y | arn:aws:s3:::b/k n
        Resource "arn:aws:s3:::b/${$}{x}" | arn:aws:s3:::b/${x} y | arn:aws:s3:::b/x n
        Resource "arn:aws:s3:::b/${aws:PrincipalTag/team}/*" | arn:aws:s3:::b/blue/x y | arn:aws:s3:::b/red/x n
        Resource ["arn:aws:s3:::a/*","arn:aws:s3:::b/*"] | arn:aws:s3:::a/k y | arn:aws:s3:::b/k y | arn:aws:s3:::c/k n
        NotResource "arn:aws:s3:::b/k" | arn:aws:s3:::b/k n | arn:aws:s3:::b/j y | arn:aws:s3:::b y
        NotResource ["arn:aws:s3:::b","arn:aws:s3:::b/*"] | arn:aws:s3:::b n | arn:aws:s3:::b/k n | arn:aws:s3:::c y
        NotResource "arn:aws:s3:::b/${aws:username}/*" | arn:aws:s3:::b/alice/x n | arn:aws:s3:::b/bob/x y
        NotResource "arn:aws:s3:::b/${aws:none}/*" | arn:aws:s3:::b/alice/x y
        """#

    /// Principal or NotPrincipal (in a Deny) of a bucket's policy; then callers: `root`, `alice`, `carol` and sessions `reader` and
    /// `writer` of account 111111111111, `root2` and `bob` of 222222222222, `nobody` who does not sign, `fed`, a federated user of the first.
    static let principals = #"""
        Principal "*" | root y | alice y | bob y | nobody y | reader y | fed y
        Principal {"AWS":"*"} | root y | alice y | bob y | nobody y | reader y
        Principal {"AWS":"arn:aws:iam::111111111111:user/alice"} | alice y | carol n | root n | bob n | nobody n | reader n
        Principal {"AWS":["arn:aws:iam::111111111111:user/alice","arn:aws:iam::222222222222:user/bob"]} | alice y | bob y | carol n
        Principal {"AWS":"arn:aws:iam::111111111111:user/Alice"} | alice n
        Principal {"AWS":"111111111111"} | root y | alice y | reader y | fed y | bob n | nobody n
        Principal {"AWS":"arn:aws:iam::111111111111:root"} | root y | alice y | reader y | root2 n | nobody n
        Principal {"CanonicalUser":"c1"} | root y | alice y | bob n | nobody n
        Principal {"CanonicalUser":["c1","c2"]} | root y | bob y | nobody n
        Principal {"AWS":"arn:aws:iam::111111111111:role/reader"} | reader y | writer n | alice n | root n
        Principal {"AWS":"arn:aws:sts::111111111111:assumed-role/reader/s1"} | reader y | writer n | alice n
        Principal {"AWS":"arn:aws:sts::111111111111:assumed-role/reader/s2"} | reader n
        Principal {"AWS":"arn:aws:sts::111111111111:federated-user/dan"} | fed y | alice n
        Principal {"Service":"logging.s3.amazonaws.com"} | root n | alice n | nobody n
        Principal {"Federated":"cognito-identity.amazonaws.com"} | alice n | fed n | nobody n
        Principal {"AWS":"222222222222","CanonicalUser":"c1"} | alice y | bob y | nobody n
        NotPrincipal {"AWS":"arn:aws:iam::111111111111:user/alice"} | alice n | carol y | root y | bob y | nobody y
        NotPrincipal {"AWS":["arn:aws:iam::111111111111:user/alice","arn:aws:iam::111111111111:root"]} | alice n | root n | carol y | bob y | nobody y
        NotPrincipal {"AWS":"111111111111"} | root n | alice y | bob y
        NotPrincipal {"AWS":["arn:aws:sts::111111111111:assumed-role/reader/s1","arn:aws:iam::111111111111:role/reader","111111111111"]} | reader n | writer y | root n
        NotPrincipal {"AWS":"arn:aws:iam::111111111111:role/reader"} | reader y | writer y
        NotPrincipal {"AWS":"*"} | root n | bob n | nobody n
        NotPrincipal "*" | alice n | nobody n
        """#

    /// A caller; then policies (`identity`, `boundary`, `session`, `bucket`, with `allow` or `deny` of the action, `other` for an allow
    /// of another; of the bucket's: for whom), grants of lists (`account`, `group`), and whether the request is allowed. The bucket is
    /// that of account 111111111111.
    static let combinations = #"""
        root | y
        root | n | bucket:deny:*
        root | y | bucket:allow:alice
        root | n | session:other
        root | y | session:allow
        root | n | session:deny
        alice | n
        alice | y | identity:allow
        alice | n | identity:other
        alice | n | identity:deny
        alice | n | identity:allow | identity:deny
        alice | n | identity:deny | identity:allow
        alice | y | identity:other | identity:allow
        alice | y | bucket:allow:alice
        alice | y | bucket:allow:*
        alice | n | bucket:allow:carol
        alice | n | bucket:allow:account
        alice | y | bucket:allow:account | identity:allow
        alice | n | bucket:other:alice
        alice | n | bucket:deny:alice | identity:allow
        alice | n | bucket:deny:* | identity:allow
        alice | n | bucket:deny:account | identity:allow
        alice | y | bucket:deny:carol | identity:allow
        alice | n | bucket:allow:alice | identity:deny
        alice | n | boundary:allow
        alice | y | boundary:allow | identity:allow
        alice | n | boundary:other | identity:allow
        alice | n | boundary:deny | identity:allow
        alice | n | boundary:deny | bucket:allow:alice
        alice | y | boundary:other | bucket:allow:alice
        alice | y | boundary:allow | bucket:allow:alice
        alice | n | boundary:other | bucket:allow:account | identity:allow
        alice | n | session:allow
        alice | y | session:allow | identity:allow
        alice | n | session:other | identity:allow
        alice | n | session:deny | identity:allow
        alice | n | session:allow | session:deny | identity:allow
        alice | y | session:other | session:allow | identity:allow
        alice | n | session:allow | boundary:other | identity:allow
        alice | y | session:allow | boundary:allow | identity:allow
        alice | n | session:other | boundary:allow | identity:allow
        alice | y | group
        alice | n | account
        alice | y | account | identity:allow
        alice | n | group | bucket:deny:*
        alice | n | group | identity:deny
        reader | n
        reader | y | identity:allow
        reader | n | identity:allow | session:other
        reader | y | identity:allow | session:allow
        reader | n | session:allow
        reader | y | bucket:allow:role
        reader | n | bucket:allow:role | session:other
        reader | y | bucket:allow:role | session:allow
        reader | n | bucket:allow:role | boundary:other
        reader | y | bucket:allow:role | boundary:allow
        reader | n | bucket:allow:role | boundary:deny
        reader | y | bucket:allow:session
        reader | y | bucket:allow:session | session:other
        reader | y | bucket:allow:session | boundary:other
        reader | n | bucket:allow:session | session:deny
        reader | n | bucket:allow:session | boundary:deny
        reader | n | bucket:allow:session | identity:deny
        reader | n | bucket:deny:role | identity:allow
        reader | n | bucket:deny:session | identity:allow
        reader | n | bucket:allow:account
        reader | y | bucket:allow:account | identity:allow
        reader | n | identity:allow | boundary:other
        writer | n | bucket:allow:role
        writer | n | bucket:allow:session
        fed | n
        fed | n | identity:allow | session:other
        fed | y | identity:allow | session:allow
        fed | n | session:allow
        fed | y | bucket:allow:fed
        fed | y | bucket:allow:fed | session:other
        fed | n | bucket:allow:fed | session:deny
        fed | n | bucket:allow:alice
        bob | n
        bob | n | identity:allow
        bob | n | bucket:allow:bob
        bob | y | identity:allow | bucket:allow:bob
        bob | y | identity:allow | bucket:allow:account2
        bob | n | identity:allow | bucket:allow:account
        bob | y | identity:allow | bucket:allow:*
        bob | n | bucket:allow:*
        bob | n | bucket:allow:account2
        bob | n | identity:deny | bucket:allow:bob
        bob | n | identity:allow | bucket:deny:bob
        bob | n | identity:allow | bucket:deny:account2
        bob | n | identity:allow | bucket:deny:* | account
        bob | n | identity:other | bucket:allow:bob
        bob | n | boundary:other | identity:allow | bucket:allow:bob
        bob | y | boundary:allow | identity:allow | bucket:allow:bob
        bob | n | session:other | identity:allow | bucket:allow:bob
        bob | y | session:allow | identity:allow | bucket:allow:bob
        bob | n | account
        bob | y | account | identity:allow
        bob | y | group | identity:allow
        bob | n | group
        bob | n | account | identity:deny
        bob | n | account | identity:allow | boundary:other
        root2 | n
        root2 | y | bucket:allow:account2
        root2 | y | bucket:allow:*
        root2 | n | bucket:allow:bob
        root2 | y | account
        root2 | y | group
        root2 | n | bucket:deny:account2 | account
        root2 | n | bucket:allow:account2 | session:other
        nobody | n
        nobody | y | bucket:allow:*
        nobody | n | bucket:allow:account
        nobody | n | bucket:allow:alice
        nobody | n | bucket:other:*
        nobody | y | group
        nobody | n | group | bucket:deny:*
        nobody | n | account
        """#
}
