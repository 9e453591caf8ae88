"""placeholder"""

from fastapi import APIRouter

router = APIRouter(tags=["observations"])
