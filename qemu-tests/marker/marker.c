#include <efi.h>
#include <efilib.h>
EFI_STATUS efi_main(EFI_HANDLE h, EFI_SYSTEM_TABLE *s);
EFI_STATUS efi_main(EFI_HANDLE h, EFI_SYSTEM_TABLE *s){ InitializeLib(h,s); Print(L"hi\n"); return 0;}
