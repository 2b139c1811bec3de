# Runs PROGRAM with ARGUMENT and compares what it prints with the file EXPECTED.
execute_process(COMMAND "${PROGRAM}" "${ARGUMENT}" OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ "${EXPECTED}" expected)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exit status ${status}\n${printed}")
endif()
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR "--- expected\n${expected}\n--- printed\n${printed}")
endif()
