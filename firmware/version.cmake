# STETHO_VERSION: the version of the whole project, which has one place.
file(READ ${CMAKE_CURRENT_LIST_DIR}/../edge_worker/__init__.py package)
if(NOT package MATCHES "__version__: Final = \"([0-9]+\\.[0-9]+\\.[0-9]+)\"")
    message(FATAL_ERROR "edge_worker/__init__.py names no version")
endif()
set(STETHO_VERSION ${CMAKE_MATCH_1})
