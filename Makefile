build:
	swift build --build-tests -c release --explicit-target-dependency-import-check error
