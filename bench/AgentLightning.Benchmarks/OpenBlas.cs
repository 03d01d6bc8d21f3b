using System.Runtime.InteropServices;

namespace AgentLightning.Benchmarks;

/// <summary>The system's OpenBLAS, where it is installed, to measure ourselves against.</summary>
internal sealed unsafe class OpenBlas
{
    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _multiply;
    private readonly delegate* unmanaged<int, void> _setThreads;

    private OpenBlas(nint library)
    {
        _multiply = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        _setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads");
    }

    /// <summary>Null when it is not installed.</summary>
    public static OpenBlas? TryLoad() => NativeLibrary.TryLoad("libopenblas.so.0", out var library) ? new OpenBlas(library) : null;

    public void SetThreads(int threads) => _setThreads(threads);

    /// <summary>c [m × n] = a [m × k] · b [k × n], row by row.</summary>
    public void Multiply(int m, int n, int k, float* a, float* b, float* c)
    {
        const int RowMajor = 101,
            NoTranspose = 111;
        _multiply(RowMajor, NoTranspose, NoTranspose, m, n, k, 1, a, k, b, n, 0, c, n);
    }
}
