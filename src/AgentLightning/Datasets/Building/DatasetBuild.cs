namespace AgentLightning.Datasets.Building;

/// <summary>
/// One data set in the making. Episodes are read three times: their facts, to choose; what is held out, to know it; and all that is chosen,
/// to write it. No more than two batches of texts are in memory.
/// </summary>
internal sealed class DatasetBuild(IEpisodeSource source, DatasetRequest request)
{
    private const int FlushBytes = 128 * 1024;
    private readonly CandidateList _candidates = new();
    private readonly Exclusions _scanned = new();
    private CandidateOrder? _order;
    private RowSink? _written;

    /// <summary>Episodes of the agents, chosen or not.</summary>
    public long Seen { get; private set; }

    public int Training => _written!.Training;

    public int Validation => _written!.Validation;

    public long Episodes => _written!.Episodes;

    public MemberKeys Members { get; private set; } = null!;

    /// <summary>Why the others are not in it.</summary>
    public IReadOnlyList<DatasetExclusion> Excluded
    {
        get
        {
            var all = new Exclusions();
            all.Add(_scanned);
            all.Add(_written!.Excluded);
            return all.List();
        }
    }

    /// <summary>Chooses, and writes what is chosen.</summary>
    /// <param name="target">Null writes nothing, and counts what would be.</param>
    public async Task RunAsync(Stream? target, CancellationToken cancellationToken)
    {
        await SelectAsync(cancellationToken).ConfigureAwait(false);
        var heldOut = new NearInputs(0);
        if (request.Kind != DatasetKind.Classification)
        {
            var order = _order!.HeldOut();
            heldOut = new NearInputs(order.Indices.Length);
            if (order.Indices.Length > 0 && order.Indices.Length < _order.Indices.Length)
            {
                await PassAsync(order, new RowSink(heldOut, null, order.Indices.Length), null, false, cancellationToken)
                    .ConfigureAwait(false);
            }
        }

        // Where all that could be learned from says what is held out, it is learned from: nothing to learn from is no data set. What that
        // comes to must be known before the first row is written.
        if (!await HasTrainingAsync(heldOut, cancellationToken).ConfigureAwait(false))
        {
            heldOut = new NearInputs(0);
            for (var i = 0; i < _candidates.Count; i++)
            {
                _candidates[i].Marks &= ~CandidateMarks.HeldOut;
            }
        }

        Members = new MemberKeys(_order!.Indices.Length);
        _written = new RowSink(heldOut, Members, _order.Indices.Length) { Used = index => _candidates[index].Marks |= CandidateMarks.Used };
        await PassAsync(_order, _written, target, false, cancellationToken).ConfigureAwait(false);
        _written.Close();
        _order = null;
    }

    /// <summary>The episodes of the data set in groups that can be asked for together.</summary>
    public IEnumerable<IReadOnlyList<string>> UsedEpisodes() =>
        Enumerable
            .Range(0, _candidates.Count)
            .Where(index => _candidates[index].Marks.HasFlag(CandidateMarks.Used))
            .Select(_candidates.Id)
            .Chunk(SqlDatasetSource.Together);

    private async Task SelectAsync(CancellationToken cancellationToken)
    {
        var scan = new CandidateScan(request, _candidates, _scanned);
        foreach (var agent in (request.Agents ?? [request.AgentId]).Distinct().Order(StringComparer.Ordinal))
        {
            var before = scan.Seen;
            // On a thread of its own: an engine without asynchronous calls reads all of it on the one that asks.
            await Task.Run(() => source.ScanAsync(agent, request, scan.Take, cancellationToken), cancellationToken).ConfigureAwait(false);
            scan.End();
            if (request.Start is not null || request.End is not null)
            {
                var all = await source.CountAsync(agent, cancellationToken).ConfigureAwait(false);
                _scanned.Add(ExclusionReason.OutsideDates, Math.Max(0, all - (scan.Seen - before)));
                Seen += Math.Max(0, all - (scan.Seen - before));
            }
        }

        Seen += scan.Seen;
        if (request is { Kind: DatasetKind.Chat, MaxExamples: { } most })
        {
            _scanned.Add(ExclusionReason.BeyondMaxExamples, _candidates.KeepBest(most));
        }

        scan.HeldOut.Settle(_candidates);
        _order = CandidateOrder.Of(_candidates, request, _scanned);
    }

    /// <summary>Whether a row to learn from is left: looks as far as the first one.</summary>
    private async Task<bool> HasTrainingAsync(NearInputs heldOut, CancellationToken cancellationToken)
    {
        var sink = new RowSink(heldOut, new MemberKeys(0), SqlDatasetSource.Together);
        await PassAsync(_order!, sink, null, true, cancellationToken).ConfigureAwait(false);
        return sink.Training > 0;
    }

    private async Task PassAsync(
        CandidateOrder order,
        RowSink sink,
        Stream? target,
        bool untilTraining,
        CancellationToken cancellationToken
    )
    {
        var maker = RowMaker.Of(request);
        var next = ReadAsync(order, 0, cancellationToken);
        while (true)
        {
            var batch = await next.ConfigureAwait(false);
            if (batch.End < order.Indices.Length)
            {
                // While these are made into rows.
                next = ReadAsync(order, batch.End, cancellationToken);
            }

            Make(order, batch, maker, sink);
            if (sink.Buffer.WrittenCount >= FlushBytes || target is null || batch.End >= order.Indices.Length)
            {
                if (target is not null)
                {
                    await target.WriteAsync(sink.Buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
                }

                sink.Buffer.ResetWrittenCount();
            }

            if (batch.End >= order.Indices.Length)
            {
                return;
            }

            if (untilTraining && sink.Training > 0)
            {
                await next.ConfigureAwait(false);
                return;
            }
        }
    }

    private void Make(CandidateOrder order, Batch batch, RowMaker maker, RowSink sink)
    {
        var unit = new List<UnitMember>();
        for (var start = batch.Start; start < batch.End; )
        {
            var end = order.EndOf(start);
            unit.Clear();
            for (var i = start; i < end; i++)
            {
                var index = order.Indices[i];
                var candidate = _candidates[index];
                if (batch.Contents[i - batch.Start] is { } content)
                {
                    unit.Add(new UnitMember(index, content, candidate.Reward, candidate.Marks.HasFlag(CandidateMarks.Corrected)));
                }
                else
                {
                    sink.Excluded.Add(ExclusionReason.Deleted);
                }
            }

            if (unit.Count > 0)
            {
                var heldOut = _candidates[order.Indices[start]].Marks.HasFlag(CandidateMarks.HeldOut);
                maker.Make(
                    System.Runtime.InteropServices.CollectionsMarshal.AsSpan(unit),
                    heldOut ? DatasetSide.Validation : DatasetSide.Train,
                    sink
                );
            }

            start = end;
        }
    }

    /// <summary>Whole units from a place on, some hundred episodes.</summary>
    private Task<Batch> ReadAsync(CandidateOrder order, int start, CancellationToken cancellationToken)
    {
        var end = start;
        while (end < order.Indices.Length && end - start < SqlDatasetSource.Together)
        {
            end = order.EndOf(end);
        }

        var ids = new string[end - start];
        var corrected = false;
        for (var i = start; i < end; i++)
        {
            ids[i - start] = _candidates.Id(order.Indices[i]);
            corrected |= _candidates[order.Indices[i]].Marks.HasFlag(CandidateMarks.Corrected);
        }

        return Task.Run(
            async () =>
                new Batch(start, end, await source.ReadAsync(ids, request.Sources, corrected, cancellationToken).ConfigureAwait(false)),
            cancellationToken
        );
    }

    private sealed record Batch(int Start, int End, EpisodeContent?[] Contents);
}
