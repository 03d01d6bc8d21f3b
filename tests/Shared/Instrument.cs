using System.Diagnostics.Metrics;
using System.Threading.Channels;

namespace AgentLightning.Testing;

/// <summary>Waits for what a part of this process counts, without looking again and again.</summary>
public static class Instrument
{
    /// <summary>
    /// Completes when <paramref name="isTrue"/> is, which is asked now and whenever the instrument measured. Fails after two minutes.
    /// </summary>
    /// <typeparam name="T">What the instrument measures in.</typeparam>
    public static async Task UntilAsync<T>(string meter, string name, Func<Task<bool>> isTrue)
        where T : struct
    {
        // One that was not looked at yet stands for any number.
        var measured = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, its) =>
            {
                if (instrument.Meter.Name == meter && instrument.Name == name)
                {
                    its.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<T>((_, _, _, _) => measured.Writer.TryWrite(true));
        listener.Start();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await isTrue())
        {
            await measured.Reader.ReadAsync(limit.Token);
        }
    }
}
