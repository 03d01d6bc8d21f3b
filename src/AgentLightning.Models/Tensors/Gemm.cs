namespace AgentLightning.Models.Tensors;

/// <summary>
/// C [m × n] = S + A [m × k] · B [k × n], cut so that the block of A at work stays in the second-level cache and a panel of B in the first.
/// Each part owns a range of columns or of rows of C and sums over k in one order, so the result does not depend on the number of threads.
/// </summary>
internal unsafe struct Gemm : IJob
{
    // Of singles: a panel block of 256 × 32 is 32 kB, 128 rows of A beside it are 128 kB, 16 packed panels are 512 kB.
    private const int DepthBlock = 256,
        RowBlock = 128,
        PanelBlock = 16;

    // Rows of scratch for a packed panel: two more than it has, so that panels which are packed side by side do not fall into the same sets
    // of the cache.
    private const int PackedRows = DepthBlock + 2;

    // Up to here a product is bound by reading B once; cutting the depth would only write C more often.
    private const int FewRows = 32;

    // Rows this far apart, or a multiple of it, fall into the same sets of the cache; where A is read down its columns, its block is copied
    // first.
    private const int WorstStride = 1024;
    private const int Width = PanelKernel.Width;
    private static readonly PanelKernel s_best = PanelKernel.Best;

    private readonly int _m,
        _n,
        _k;
    private readonly float* _a;
    private readonly nint _aRow,
        _aStep;
    private readonly PanelMatrix _weights;
    private readonly float* _rows;
    private readonly nint _rowStride;
    private readonly bool _transposed;
    private float* _c;
    private nint _cRow,
        _cPanel;
    private float* _start;
    private nint _startRow;
    private int _rowParts,
        _panelParts;

    private Gemm(int m, int n, int k, float* a, nint aRow, nint aStep, PanelMatrix weights, bool transposed, float* rows, nint rowStride)
    {
        (_m, _n, _k, _aRow, _aStep, _weights, _transposed, _rowStride) = (m, n, k, aRow, aStep, weights, transposed, rowStride);
        _a = a;
        _rows = rows;
    }

    /// <summary>y [m × columns] = start + x [m × depth] · W: a layer forward.</summary>
    /// <param name="start">Null for zero, <paramref name="y"/> itself to add to it, a bias with <paramref name="startRow"/> 0, or another
    /// matrix.</param>
    public static void Forward(
        WorkerPool pool,
        int m,
        float* x,
        nint xRow,
        PanelMatrix weights,
        float* y,
        nint yRow,
        float* start,
        nint startRow
    )
    {
        var job = new Gemm(m, weights.Columns, weights.Depth, x, xRow, 1, weights, transposed: false, null, 0)
        {
            _c = y,
            _cRow = yRow,
            _cPanel = Width,
            _start = start,
            _startRow = startRow,
        };
        job.Run(pool);
    }

    /// <summary>dx [m × depth] = start + dy [m × columns] · Wᵀ: a layer backward. The start is null or <paramref name="dx"/>.</summary>
    public static void Backward(WorkerPool pool, int m, float* dy, nint dyRow, PanelMatrix weights, float* dx, nint dxRow, bool add)
    {
        var job = new Gemm(m, weights.Depth, weights.Columns, dy, dyRow, 1, weights, transposed: true, null, 0)
        {
            _c = dx,
            _cRow = dxRow,
            _cPanel = Width,
            _start = add ? dx : null,
            _startRow = dxRow,
        };
        job.Run(pool);
    }

    /// <summary>dW += xᵀ · dy over <paramref name="rows"/> rows, in the order of the panels.</summary>
    public static void AddGradient(WorkerPool pool, int rows, float* x, nint xRow, float* dy, nint dyRow, PanelMatrix gradient)
    {
        var job = new Gemm(gradient.Depth, gradient.Columns, rows, x, 1, xRow, default, transposed: false, dy, dyRow)
        {
            _c = (float*)gradient.Data,
            _cRow = Width,
            _cPanel = (nint)gradient.Depth * Width,
            _start = (float*)gradient.Data,
            _startRow = Width,
        };
        job.Run(pool);
    }

    /// <inheritdoc/>
    public readonly void Run(int part, float* scratch)
    {
        var (rowPart, panelPart) = (part / _panelParts, part % _panelParts);
        var (row, rowEnd) = Range(_m, _rowParts, rowPart, 8);
        var (panel, panelEnd) = Range(PanelMatrix.PanelsOf(_n), _panelParts, panelPart, 1);
        var packs = Packs;
        var depthBlock = !packs && (_m <= FewRows || _k <= 2 * DepthBlock) ? Math.Max(_k, 1) : DepthBlock;
        var spread = _aStep % WorstStride == 0;
        var block = scratch + (((PanelBlock * PackedRows) + Width) * Width);
        for (var p0 = panel; p0 < panelEnd; p0 += PanelBlock)
        {
            var p1 = Math.Min(p0 + PanelBlock, panelEnd);
            for (var k0 = 0; k0 < Math.Max(_k, 1); k0 += depthBlock)
            {
                var depth = Math.Min(depthBlock, _k - k0);
                if (_rows is not null)
                {
                    PanelMatrix.PackRows(
                        _rows + (k0 * _rowStride) + (p0 * Width),
                        _rowStride,
                        Math.Min(p1 * Width, _n) - (p0 * Width),
                        depth,
                        scratch,
                        PackedRows
                    );
                }

                for (var p = p0; packs && _rows is null && p < p1; p++)
                {
                    Pack(p, k0, depth, scratch + ((long)(p - p0) * PackedRows * Width), scratch + ((long)PanelBlock * PackedRows * Width));
                }

                for (var i = row; i < rowEnd; i += RowBlock)
                {
                    var count = Math.Min(RowBlock, rowEnd - i);
                    var a = _a + (i * _aRow) + (k0 * _aStep);
                    if (spread)
                    {
                        for (var k = 0; k < depth; k++)
                        {
                            new ReadOnlySpan<float>(a + (k * _aStep), count).CopyTo(new Span<float>(block + (k * RowBlock), count));
                        }

                        a = block;
                    }

                    for (var p = p0; p < p1; p++)
                    {
                        var b = packs ? scratch + ((long)(p - p0) * PackedRows * Width) : _weights.Panel(p, k0);
                        var c = _c + (i * _cRow) + (p * _cPanel);
                        var start =
                            k0 > 0 ? c
                            : _start is null ? null
                            : _start + (i * _startRow) + (p * (_start == _c ? _cPanel : Width));
                        s_best.Multiply(
                            count,
                            Math.Min(Width, _n - (p * Width)),
                            depth,
                            a,
                            _aRow,
                            spread ? RowBlock : _aStep,
                            b,
                            packs ? StoredType.F32 : _weights.Type,
                            c,
                            _cRow,
                            start,
                            k0 > 0 ? _cRow : _startRow
                        );
                    }
                }
            }
        }
    }

    /// <summary>Whether B must be brought into panels of singles first. A few rows widen stored weights as they read them.</summary>
    private readonly bool Packs => _rows is not null || _transposed || (_weights.Type != StoredType.F32 && _m > FewRows);

    private void Run(WorkerPool pool)
    {
        if (_m == 0)
        {
            return;
        }

        // Columns are cut first, so that no panel is packed twice; rows where that leaves a thread without work.
        var panels = PanelMatrix.PanelsOf(_n);
        var threads = (long)_m * _n * _k < 20_000 ? 1 : pool.Threads;
        var rounds = (panels + threads - 1) / threads;
        (_rowParts, _panelParts) = _m >= 16 * threads && panels < rounds * threads * 0.9 ? (threads, 1) : (1, Math.Min(threads, panels));
        pool.Run(this, _rowParts * _panelParts, Packs ? (((PanelBlock * PackedRows) + Width) * Width) + (RowBlock * DepthBlock) : 0);
    }

    private readonly void Pack(int panel, int from, int depth, float* destination, float* square)
    {
        if (!_transposed)
        {
            PanelMatrix.Widen(_weights.Type, _weights.Panel(panel, from), destination, depth * Width);
            return;
        }

        // The depth runs over outputs here: a square of 32 inputs × 32 outputs at a time is turned over. A block begins at a multiple of
        // 32.
        var inputs = Math.Min(Width, _n - (panel * Width));
        for (var d = 0; d < depth; d += Width)
        {
            var source = (float*)_weights.Panel((from + d) / Width, panel * Width);
            if (_weights.Type != StoredType.F32)
            {
                PanelMatrix.Widen(_weights.Type, source, square, inputs * Width);
                source = square;
            }

            PanelMatrix.PackTransposed(source, Width, inputs, Math.Min(Width, depth - d), destination + (d * Width));
        }
    }

    /// <summary>Part <paramref name="part"/> of 0…<paramref name="count"/>, cut at multiples of <paramref name="unit"/>.</summary>
    private static (int From, int To) Range(int count, int parts, int part, int unit)
    {
        var units = (count + unit - 1) / unit;
        return (Math.Min(count, (int)((long)units * part / parts) * unit), Math.Min(count, (int)((long)units * (part + 1) / parts) * unit));
    }
}
