"""Where the renderer's process starts: with only those parts of the product that lay papers out.

Importing ``app`` would load the whole web application, 50 MB that no paper needs; here the package is only the place
where its modules are found.
"""

import sys
import types
from pathlib import Path

package = types.ModuleType("app")
package.__path__ = [str(Path(__file__).parents[2])]
sys.modules["app"] = package

from app.core.papers.press import main  # noqa: E402 (after the package)

main()
