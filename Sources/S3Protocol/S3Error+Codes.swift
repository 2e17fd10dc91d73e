extension S3Error {
    /// A code of the S3 API with the status and the sentence that AWS gives with it. Two codes are equal when their
    /// names are.
    package struct Code: Hashable, Sendable {
        package let name: String
        package let status: Int
        package let message: String

        private init(_ name: String, _ status: Int, _ message: String) {
            self.name = name
            self.status = status
            self.message = message
        }

        package static func == (lhs: Code, rhs: Code) -> Bool { lhs.name == rhs.name }
        package func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }
}

// The names of the properties are the codes' own; the order is alphabetical.
extension S3Error.Code {
    package static let accessControlListNotSupported = Self(
        "AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
    package static let accessDenied = Self("AccessDenied", 403, "Access Denied")
    package static let accessForbidden = Self(
        "AccessForbidden", 403, "CORSResponse: CORS is not enabled for this bucket.")
    package static let accountProblem = Self(
        "AccountProblem", 403, "There is a problem with your account that prevents the operation from completing.")
    package static let allAccessDisabled = Self(
        "AllAccessDisabled", 403, "All access to this resource has been disabled.")
    package static let ambiguousGrantByEmailAddress = Self(
        "AmbiguousGrantByEmailAddress", 400, "The email address you provided is associated with more than one account.")
    package static let authorizationHeaderMalformed = Self(
        "AuthorizationHeaderMalformed", 400, "The authorization header you provided is invalid.")
    package static let authorizationQueryParametersError = Self(
        "AuthorizationQueryParametersError", 400, "The authorization query parameters that you provided are not valid.")
    package static let badDigest = Self(
        "BadDigest", 400, "The Content-MD5 or checksum value that you specified did not match what the server received."
    )
    package static let badRequest = Self("BadRequest", 400, "Bad Request")
    package static let bucketAlreadyExists = Self(
        "BucketAlreadyExists", 409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            + "Please select a different name and try again.")
    package static let bucketAlreadyOwnedByYou = Self(
        "BucketAlreadyOwnedByYou", 409,
        "Your previous request to create the named bucket succeeded and you already own it.")
    package static let bucketHasAccessPointsAttached = Self(
        "BucketHasAccessPointsAttached", 400, "The bucket you are trying to delete has access points attached.")
    package static let bucketNotEmpty = Self("BucketNotEmpty", 409, "The bucket you tried to delete is not empty")
    package static let conditionalRequestConflict = Self(
        "ConditionalRequestConflict", 409,
        "The conditional request cannot succeed due to a conflicting operation against this resource.")
    package static let connectionClosedByRequester = Self(
        "ConnectionClosedByRequester", 400, "The client closed the connection before the request was complete.")
    package static let credentialsNotSupported = Self(
        "CredentialsNotSupported", 400, "This request does not support credentials.")
    package static let crossLocationLoggingProhibited = Self(
        "CrossLocationLoggingProhibited", 403, "Cross-location logging not allowed.")
    package static let deviceNotActiveError = Self("DeviceNotActiveError", 400, "The device is not currently active.")
    package static let endpointNotFound = Self(
        "EndpointNotFound", 400, "Direct requests to the correct endpoint.")
    package static let entityTooLarge = Self(
        "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
    package static let entityTooSmall = Self(
        "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
    package static let expiredToken = Self("ExpiredToken", 400, "The provided token has expired.")
    package static let illegalLocationConstraintException = Self(
        "IllegalLocationConstraintException", 400,
        "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
    )
    package static let illegalVersioningConfigurationException = Self(
        "IllegalVersioningConfigurationException", 400,
        "The versioning configuration specified in the request is invalid.")
    package static let incompleteBody = Self(
        "IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header")
    package static let incorrectEndpoint = Self(
        "IncorrectEndpoint", 400, "The specified bucket exists in another Region.")
    package static let incorrectNumberOfFilesInPostRequest = Self(
        "IncorrectNumberOfFilesInPostRequest", 400, "POST requires exactly one file upload per request.")
    package static let inlineDataTooLarge = Self(
        "InlineDataTooLarge", 400, "Inline data exceeds the maximum allowed size.")
    package static let internalError = Self(
        "InternalError", 500, "We encountered an internal error. Please try again.")
    package static let invalidAccessKeyId = Self(
        "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.")
    package static let invalidAddressingHeader = Self(
        "InvalidAddressingHeader", 400, "You must specify the Anonymous role.")
    package static let invalidArgument = Self("InvalidArgument", 400, "Invalid Argument")
    package static let invalidBucketAclWithObjectOwnership = Self(
        "InvalidBucketAclWithObjectOwnership", 400,
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
    package static let invalidBucketName = Self("InvalidBucketName", 400, "The specified bucket is not valid.")
    package static let invalidBucketOwnerAWSAccountID = Self(
        "InvalidBucketOwnerAWSAccountID", 400, "The value of the expected bucket owner parameter must be an account id")
    package static let invalidBucketState = Self(
        "InvalidBucketState", 409, "The request is not valid with the current state of the bucket.")
    package static let invalidChunkSizeError = Self(
        "InvalidChunkSizeError", 403, "Only the last chunk is allowed to have a size less than 8192 bytes")
    package static let invalidDigest = Self("InvalidDigest", 400, "The Content-MD5 you specified was invalid.")
    package static let invalidEncryptionAlgorithmError = Self(
        "InvalidEncryptionAlgorithmError", 400,
        "The encryption request you specified is not valid. The valid value is AES256.")
    package static let invalidHostHeader = Self(
        "InvalidHostHeader", 400, "The host headers provided in the request used the incorrect style addressing.")
    package static let invalidHttpMethod = Self(
        "InvalidHttpMethod", 400, "The request is made using an unexpected HTTP method.")
    package static let invalidLocationConstraint = Self(
        "InvalidLocationConstraint", 400, "The specified location-constraint is not valid")
    package static let invalidObjectState = Self(
        "InvalidObjectState", 403, "The operation is not valid for the object's storage class")
    package static let invalidPart = Self(
        "InvalidPart", 400,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, "
            + "or the specified entity tag may not match the part's entity tag.")
    package static let invalidPartNumber = Self(
        "InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
    package static let invalidPartOrder = Self(
        "InvalidPartOrder", 400,
        "The list of parts was not in ascending order. Parts must be ordered by part number.")
    package static let invalidPayer = Self("InvalidPayer", 403, "All access to this object has been disabled.")
    package static let invalidPolicyDocument = Self(
        "InvalidPolicyDocument", 400,
        "The content of the form does not meet the conditions specified in the policy document.")
    package static let invalidRange = Self("InvalidRange", 416, "The requested range is not satisfiable")
    package static let invalidRedirectLocation = Self(
        "InvalidRedirectLocation", 400,
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
    package static let invalidRegion = Self("InvalidRegion", 403, "You've attempted to use a Region that is not valid.")
    package static let invalidRequest = Self("InvalidRequest", 400, "Invalid Request")
    package static let invalidS3DestinationBucket = Self(
        "InvalidS3DestinationBucket", 400, "The destination bucket does not exist, or belongs to another account.")
    package static let invalidSecurity = Self(
        "InvalidSecurity", 403, "The provided security credentials are not valid.")
    package static let invalidSessionException = Self(
        "InvalidSessionException", 400, "The session is no longer valid.")
    package static let invalidSignature = Self(
        "InvalidSignature", 400, "The server cannot process the request because the signature is not valid.")
    package static let invalidSOAPRequest = Self("InvalidSOAPRequest", 400, "The SOAP request body is invalid.")
    package static let invalidStorageClass = Self(
        "InvalidStorageClass", 400, "The storage class you specified is not valid")
    package static let invalidTag = Self("InvalidTag", 400, "The tag provided was not a valid tag.")
    package static let invalidTargetBucketForLogging = Self(
        "InvalidTargetBucketForLogging", 400,
        "The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants.")
    package static let invalidToken = Self(
        "InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
    package static let invalidURI = Self("InvalidURI", 400, "Couldn't parse the specified URI.")
    package static let invalidWriteOffset = Self(
        "InvalidWriteOffset", 400, "The write offset value that you specified does not match the current object size.")
    package static let keyTooLongError = Self("KeyTooLongError", 400, "Your key is too long")
    package static let malformedACLError = Self(
        "MalformedACLError", 400,
        "The XML you provided was not well-formed or did not validate against our published schema")
    package static let malformedPOSTRequest = Self(
        "MalformedPOSTRequest", 400, "The body of your POST request is not well-formed multipart/form-data.")
    package static let malformedPolicy = Self("MalformedPolicy", 400, "Policy has invalid resource.")
    package static let malformedTrailerError = Self(
        "MalformedTrailerError", 400,
        "The request contained trailing data that was not well-formed or did not conform to our published schema.")
    package static let malformedXML = Self(
        "MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema"
    )
    package static let maxMessageLengthExceeded = Self(
        "MaxMessageLengthExceeded", 400, "Your request was too large.")
    package static let maxPostPreDataLengthExceededError = Self(
        "MaxPostPreDataLengthExceededError", 400, "Your POST request fields preceding the upload file were too large.")
    package static let metadataTooLarge = Self(
        "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size")
    package static let methodNotAllowed = Self(
        "MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
    package static let misdirectedRequest = Self(
        "MisdirectedRequest", 421,
        "The connection was made for another host than the one that the request names. Connect anew for that host.")
    package static let missingAttachment = Self(
        "MissingAttachment", 400, "A SOAP attachment was expected, but none was found.")
    package static let missingAuthenticationToken = Self(
        "MissingAuthenticationToken", 403, "The request was not signed.")
    package static let missingContentLength = Self(
        "MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
    package static let missingRequestBodyError = Self("MissingRequestBodyError", 400, "Request Body is empty")
    package static let missingSecurityElement = Self(
        "MissingSecurityElement", 400, "The SOAP 1.1 request is missing a security element.")
    package static let missingSecurityHeader = Self(
        "MissingSecurityHeader", 400, "Your request is missing a required header.")
    package static let noLoggingStatusForKey = Self(
        "NoLoggingStatusForKey", 400, "There is no such thing as a logging status subresource for a key.")
    package static let noSuchAccessPoint = Self("NoSuchAccessPoint", 404, "The specified access point does not exist.")
    package static let noSuchBucket = Self("NoSuchBucket", 404, "The specified bucket does not exist")
    package static let noSuchBucketPolicy = Self("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
    package static let noSuchConfiguration = Self(
        "NoSuchConfiguration", 404, "The specified configuration does not exist.")
    package static let noSuchCORSConfiguration = Self(
        "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist")
    package static let noSuchKey = Self("NoSuchKey", 404, "The specified key does not exist.")
    package static let noSuchLifecycleConfiguration = Self(
        "NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist")
    package static let noSuchObjectLockConfiguration = Self(
        "NoSuchObjectLockConfiguration", 404, "The specified object does not have a ObjectLock configuration")
    package static let noSuchPublicAccessBlockConfiguration = Self(
        "NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found")
    package static let noSuchTagSet = Self("NoSuchTagSet", 404, "The TagSet does not exist")
    package static let noSuchUpload = Self(
        "NoSuchUpload", 404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
    package static let noSuchVersion = Self("NoSuchVersion", 404, "The specified version does not exist.")
    package static let noSuchWebsiteConfiguration = Self(
        "NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration")
    package static let notDeviceOwnerError = Self(
        "NotDeviceOwnerError", 400, "The device that generated the token is not owned by the authenticated user.")
    package static let notImplemented = Self(
        "NotImplemented", 501, "A header you provided implies functionality that is not implemented")
    package static let notModified = Self("NotModified", 304, "Not Modified")
    package static let notSignedUp = Self("NotSignedUp", 403, "Your account is not signed up for this service.")
    package static let objectLockConfigurationNotFoundError = Self(
        "ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket")
    package static let operationAborted = Self(
        "OperationAborted", 409,
        "A conflicting conditional operation is currently in progress against this resource. Please try again.")
    package static let ownershipControlsNotFoundError = Self(
        "OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found")
    package static let permanentRedirect = Self(
        "PermanentRedirect", 301,
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
            + "Please send all future requests to this endpoint.")
    package static let preconditionFailed = Self(
        "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
    package static let redirect = Self("Redirect", 307, "Temporary redirect.")
    package static let quotaExceeded = Self("QuotaExceeded", 403, "The bucket has reached its quota.")
    package static let replicationConfigurationNotFoundError = Self(
        "ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found")
    package static let requestHeaderSectionTooLarge = Self(
        "RequestHeaderSectionTooLarge", 400,
        "Your request header section exceeds the maximum allowed header section size.")
    package static let requestIsNotMultiPartContent = Self(
        "RequestIsNotMultiPartContent", 412, "Bucket POST must be of the enclosure-type multipart/form-data.")
    package static let requestTimeout = Self(
        "RequestTimeout", 400,
        "Your socket connection to the server was not read from or written to within the timeout period. "
            + "Idle connections will be closed.")
    package static let requestTimeTooSkewed = Self(
        "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.")
    package static let requestTorrentOfBucketError = Self(
        "RequestTorrentOfBucketError", 400, "Requesting the torrent file of a bucket is not permitted.")
    package static let restoreAlreadyInProgress = Self(
        "RestoreAlreadyInProgress", 409, "Object restore is already in progress")
    package static let serverSideEncryptionConfigurationNotFoundError = Self(
        "ServerSideEncryptionConfigurationNotFoundError", 404,
        "The server side encryption configuration was not found")
    package static let serviceUnavailable = Self(
        "ServiceUnavailable", 503, "Service is unable to handle request.")
    package static let signatureDoesNotMatch = Self(
        "SignatureDoesNotMatch", 403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )
    package static let slowDown = Self("SlowDown", 503, "Please reduce your request rate.")
    package static let temporaryRedirect = Self(
        "TemporaryRedirect", 307, "You are being redirected to the bucket while DNS updates.")
    package static let tokenCodeInvalidError = Self(
        "TokenCodeInvalidError", 400, "The serial number and/or token code you provided is not valid.")
    package static let tokenRefreshRequired = Self(
        "TokenRefreshRequired", 400, "The provided token must be refreshed.")
    package static let tooManyBuckets = Self(
        "TooManyBuckets", 400, "You have attempted to create more buckets than allowed")
    package static let tooManyConfigurations = Self(
        "TooManyConfigurations", 400,
        "You are attempting to create a new configuration but have already reached the limit.")
    package static let tooManyParts = Self(
        "TooManyParts", 400, "You have attempted to add more parts than the maximum of 10000 that are allowed.")
    package static let unauthorizedAccess = Self(
        "UnauthorizedAccess", 403, "You are not authorized to perform this operation")
    package static let unexpectedContent = Self("UnexpectedContent", 400, "This request contains unsupported content.")
    package static let unresolvableGrantByEmailAddress = Self(
        "UnresolvableGrantByEmailAddress", 400, "The email address you provided does not match any account on record.")
    package static let unsupportedArgument = Self(
        "UnsupportedArgument", 400, "The request contained an unsupported argument.")
    package static let unsupportedSignature = Self(
        "UnsupportedSignature", 400,
        "The provided request is signed with an unsupported STS Token version or the signature version is not supported."
    )
    package static let userKeyMustBeSpecified = Self(
        "UserKeyMustBeSpecified", 400,
        "The bucket POST must contain the specified field name. If it is specified, please check the order of the fields."
    )
    package static let xAmzContentSHA256Mismatch = Self(
        "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed."
    )
}
