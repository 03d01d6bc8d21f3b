using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Rotary positions (Su et al., 2021): number i of a head and number i + D/2 are turned together by position · frequency[i]. In place; the
/// backward turns back.
/// </summary>
internal sealed unsafe class Rotary : IDisposable
{
    private const int RowsPerPart = 16,
        FirstPositions = 512;
    private readonly double[] _frequencies;
    private NativeBuffer _table = new(0);
    private int _positions;

    /// <param name="frequencies">Radians per position, one per pair.</param>
    public Rotary(double[] frequencies) => _frequencies = frequencies;

    /// <summary>Turns <paramref name="heads"/> heads, one after the other in a row, of each of the rows.</summary>
    /// <param name="positions">The position of each row, from 0.</param>
    public void Turn(WorkerPool pool, int rows, int* positions, Rows x, int heads, bool back)
    {
        var last = 0;
        for (var r = 0; r < rows; r++)
        {
            last = Math.Max(last, positions[r]);
        }

        Reserve(last + 1);
        pool.Run(
            new TurnJob(rows, positions, x, heads, _frequencies.Length, (float*)_table.Data, back ? -1 : 1),
            (rows + RowsPerPart - 1) / RowsPerPart
        );
    }

    public void Dispose() => _table.Dispose();

    private void Reserve(int positions)
    {
        if (positions <= _positions)
        {
            return;
        }

        positions = Math.Max(positions, Math.Max(2 * _positions, FirstPositions));
        var half = _frequencies.Length;
        var table = new NativeBuffer(positions * 2L * half * sizeof(float));
        var at = (float*)table.Data;
        for (var p = 0; p < positions; p++, at += 2 * half)
        {
            for (var i = 0; i < half; i++)
            {
                var (sin, cos) = Math.SinCos(p * _frequencies[i]);
                (at[i], at[half + i]) = ((float)cos, (float)sin);
            }
        }

        _table.Dispose();
        (_table, _positions) = (table, positions);
    }

    private readonly struct TurnJob(int rows, int* positions, Rows x, int heads, int half, float* table, float sign) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                var cosines = table + (positions[r] * 2L * half);
                var sines = cosines + half;
                var head = x[r];
                for (var h = 0; h < heads; h++, head += 2 * half)
                {
                    for (var i = 0; i < half; i += Lanes.Count)
                    {
                        var left = half - i;
                        var (a, b) = (Lanes.Load(head + i, left), Lanes.Load(head + half + i, left));
                        var (cos, sin) = (Lanes.Load(cosines + i, left), Lanes.Load(sines + i, left) * sign);
                        Lanes.Store((a * cos) - (b * sin), head + i, left);
                        Lanes.Store((b * cos) + (a * sin), head + half + i, left);
                    }
                }
            }
        }
    }
}
