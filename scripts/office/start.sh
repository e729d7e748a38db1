#!/bin/sh
# Finds a Python that fits and lets it do the rest; works from a stick without execute bits: sh 开始.sh
cd "$(dirname "$0")" || exit 1
export PYTHONUTF8=1
[ -x python/bin/python3 ] || [ ! -f python.tar.gz ] || tar -xzf python.tar.gz
for python in ./python/bin/python3 python@PYTHON@ python3; do
  if "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '@PYTHON@')" 2>/dev/null; then
    exec "$python" start.py "$@"
  fi
done
echo "这台计算机上没有 Python @PYTHON@，请看 README.txt。"
echo "Python @PYTHON@ was not found on this computer. README.txt says how to get it."
exit 1
