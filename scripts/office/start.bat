@echo off
rem Plain ASCII and CRLF: cmd reads this file in the code page of the computer. What is said in Chinese says Python.
setlocal
set "PYTHONUTF8=1"
pushd "%~dp0"
if exist python\python.exe goto own
if not exist python.tar.gz goto look
tar -xf python.tar.gz
if exist python\python.exe goto own
:look
py -@PYTHON@ -c "" >nul 2>nul
if not errorlevel 1 goto launcher
python -c "import sys; sys.exit('%%d.%%d' %% sys.version_info[:2] != '@PYTHON@')" >nul 2>nul
if not errorlevel 1 goto path
echo Python @PYTHON@ (64 bit) was not found on this computer. README.txt says how to get it.
start "" notepad README.txt
goto end
:own
python\python.exe start.py %*
goto end
:launcher
py -@PYTHON@ start.py %*
goto end
:path
python start.py %*
:end
set "CODE=%ERRORLEVEL%"
popd
if "%~1"=="" pause
exit /b %CODE%
